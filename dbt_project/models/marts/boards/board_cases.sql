{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}
{# The proof of the case metrics, to be read: every case with its names, whether it counts, and in which numerators it is.
   Those that do not count stay in: a case that counts no more must be replaced by something. As in metric_proofs, chains
   of forwarded cases are not told apart. #}
with cases as (
    select *
    from {{ ref('fct_cases') }}
    {{ touched('case_no') }}
),

items as (
    select item_code, item_version, item_name from {{ ref('dim_items') }}
)

select
    cases.case_no,
    {{ format_time('cases.closed_month', 'yyyy-MM') }} as month,
    {{ subject_in_words('cases.subject') }} as subject_name,
    cases.is_business_volume as is_counted,
    cases.item_code,
    items.item_name,
    levels.level_name,
    cases.county_code,
    counties.region_name as county_name,
    case cases.level_code when 'town' then cases.region_code end as town_code,
    cases.unit_code,
    units.unit_name,
    coalesce(channels.channel_name, '未知') as channel_name,
    cases.applied_at,
    cases.accepted_at,
    cases.closed_at,
    cases.handling_working_days,
    cases.visit_count,
    case when cases.visit_count is null then '不明' else concat(cast(cases.visit_count as string), ' 次') end as visits_name,
    case when cases.is_applied_online then '是' else '否' end as applied_online,
    case when cases.is_closed_online then '是' else '否' end as closed_online,
    case when cases.is_visits_unknown then '不明' when cases.is_visits_at_most_one then '是' else '否' end as visits_at_most_one,
    case when cases.is_closed_on_time is null then '无期限' when cases.is_closed_on_time then '是' else '否' end as closed_on_time
from cases
left join items on cases.item_code = items.item_code and cases.item_version = items.item_version
left join {{ ref('dim_units') }} as units on cases.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on cases.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on cases.level_code = levels.level_code
left join {{ ref('dim_channels') }} as channels on cases.channel_code = channels.channel_code
