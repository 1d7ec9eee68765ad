{# Each item in force in the newest month: how far it has come, what it declares, what its cases show. #}
with newest as (
    select max(item_month) as item_month from {{ ref('fct_item_months') }}
),

items as (
    select months.*
    from {{ ref('fct_item_months') }} as months
    inner join newest on months.item_month = newest.item_month
),

versions as (
    select item_code, item_version, item_name, promised_limit, promised_limit_unit
    from {{ ref('dim_items') }}
),

conduct as (
    select * from {{ ref('fct_item_conduct') }}
)

select
    items.item_code,
    versions.item_name,
    {{ subject_in_words('items.subject') }} as subject_name,
    levels.level_name,
    items.county_code,
    counties.region_name as county_name,
    case items.level_code when 'town' then items.region_code end as town_code,
    items.unit_code,
    units.unit_name,
    items.is_settled,
    items.is_implementing,
    items.is_online,
    items.is_full_online,
    items.is_catalogue_confirmed,
    items.is_standard_entered,
    items.is_review_passed,
    items.is_code_published,
    case
        when items.is_code_published then '5 已赋码发布'
        when items.is_review_passed then '4 审查已通过'
        when items.is_standard_entered then '3 标准已录入'
        when items.is_catalogue_confirmed then '2 目录已确认'
        else '1 目录未确认'
    end as stage_name,
    items.online_depth,
    items.visit_limit,
    versions.promised_limit,
    versions.promised_limit_unit,
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
left join versions on items.item_code = versions.item_code and items.item_version = versions.item_version
left join conduct on items.item_code = conduct.item_code
left join {{ ref('dim_units') }} as units on items.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on items.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on items.level_code = levels.level_code
