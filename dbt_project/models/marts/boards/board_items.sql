{# Each item in force in the newest month: what it declares against what its cases show. #}
with newest as (
    select max(month_on) as month_on from {{ ref('board_item_months') }}
),

items as (
    select months.*
    from {{ ref('board_item_months') }} as months
    inner join newest on months.month_on = newest.month_on
),

conduct as (
    select * from {{ ref('fct_item_conduct') }}
)

select
    items.item_code,
    items.item_name,
    items.subject_name,
    items.level_name,
    items.county_code,
    items.county_name,
    items.town_code,
    items.unit_code,
    items.unit_name,
    items.full_online,
    items.visit_limit,
    conduct.promised_limit,
    conduct.promised_limit_unit,
    coalesce(conduct.case_count, cast(0 as bigint)) as case_count,
    coalesce(conduct.online_case_count, cast(0 as bigint)) as online_case_count,
    conduct.most_visits,
    conduct.mean_visits,
    conduct.p95_visits,
    conduct.median_handling_working_days,
    conduct.p90_handling_working_days,
    conduct.commonest_path,
    conduct.commonest_path_share,
    coalesce(conduct.is_judged, false) as is_judged,
    {% set findings = {
        'is_full_online_contradicted': '全流程与实际不符', 'is_full_online_unused': '全流程无人网上办',
        'is_online_undeclared': '未申报可网办', 'is_visits_exceeded': '到现场超过申报',
        'is_immediate_contradicted': '即办件有审批', 'is_limit_loose': '承诺时限过宽'
    } -%}
    cast({% for flag in findings %}case when conduct.{{ flag }} then 1 else 0 end{{ ' + ' if not loop.last }}{% endfor %} as int) as finding_count,
    concat_ws('、'{% for flag, words in findings.items() %}, case when conduct.{{ flag }} then '{{ words }}' end{% endfor %}) as findings
from items
left join conduct on items.item_code = conduct.item_code
