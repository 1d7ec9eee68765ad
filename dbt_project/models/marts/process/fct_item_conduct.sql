{# What the catalogue declares of an item against what its closed cases show (自动研判). A finding needs ten cases: fewer
   say more of the case than of the item. #}
with cases as (
    select
        item_code,
        channel_code,
        visit_count,
        is_applied_online,
        is_closed_on_time,
        handling_working_days,
        step_count
    from {{ ref('fct_cases') }}
    where is_business_volume and item_code is not null
),

items as (
    select * from {{ ref('int_items_effective') }} where is_latest
),

commonest as (
    select item_code, path_in_words, case_share
    from {{ ref('fct_item_paths') }}
    where path_rank = 1
),

measured as (
    select
        item_code,
        cast(count(*) as bigint) as case_count,
        cast(count_if(is_applied_online) as bigint) as online_case_count,
        cast(count_if(visit_count is null) as bigint) as unknown_visits_count,
        cast(count_if(is_applied_online and visit_count > 1) as bigint) as online_many_visits_count,
        cast(count_if(step_count > 0) as bigint) as stepped_case_count,
        cast(count_if(not is_closed_on_time) as bigint) as late_case_count,
        max(visit_count) as most_visits,
        avg(cast(visit_count as double)) as mean_visits,
        percentile_cont(0.95) within group (order by visit_count) as p95_visits,
        percentile_cont(0.5) within group (order by handling_working_days) as median_handling_working_days,
        percentile_cont(0.9) within group (order by handling_working_days) as p90_handling_working_days
    from cases
    group by item_code
)

select
    measured.item_code,
    items.item_version,
    items.unit_code,
    items.subject,
    items.is_full_online as is_full_online_declared,
    items.is_online as is_online_declared,
    items.visit_limit as declared_visits,
    items.promised_limit,
    items.promised_limit_unit,
    items.is_immediate as is_immediate_declared,
    measured.case_count,
    measured.online_case_count,
    measured.unknown_visits_count,
    measured.online_many_visits_count,
    measured.late_case_count,
    cast(measured.most_visits as int) as most_visits,
    measured.mean_visits,
    cast(measured.p95_visits as double) as p95_visits,
    cast(measured.median_handling_working_days as double) as median_handling_working_days,
    cast(measured.p90_handling_working_days as double) as p90_handling_working_days,
    commonest.path_in_words as commonest_path,
    commonest.case_share as commonest_path_share,
    measured.case_count >= 10 as is_judged,
    coalesce(measured.case_count >= 10 and items.is_full_online and measured.online_many_visits_count > 0, false) as is_full_online_contradicted,
    coalesce(measured.case_count >= 10 and items.is_full_online and measured.online_case_count = 0, false) as is_full_online_unused,
    coalesce(measured.case_count >= 10 and not items.is_online and measured.online_case_count > 0, false) as is_online_undeclared,
    coalesce(measured.case_count >= 10 and measured.most_visits > items.visit_limit, false) as is_visits_exceeded,
    coalesce(measured.case_count >= 10 and items.is_immediate and measured.stepped_case_count > 0, false) as is_immediate_contradicted,
    coalesce(
        measured.case_count >= 10 and items.promised_limit_unit = 'G'
        and measured.p90_handling_working_days * 2 <= items.promised_limit, false
    ) as is_limit_loose
from measured
left join items on measured.item_code = items.item_code
left join commonest on measured.item_code = commonest.item_code
