{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with cases as (
    select
        *,
        cast(applied_at as date) as applied_on,
        cast(accepted_at as date) as accepted_on,
        {{ reported_on("coalesce(cast(coalesce(closed_at, accepted_at, applied_at) as date), cast('9999-12-30' as date))") }}
            as units_on
    from {{ ref('int_cases_accumulated') }}
    where has_application {{ touched('case_no', and_=true) }}
),

items as (
    select * from {{ ref('int_items_effective') }}
),

units as (
    select * from {{ ref('dim_unit_versions') }}
),

regions as (
    select * from {{ ref('dim_region_versions') }}
),

dates as (
    select date_on, is_working_day, working_day_no from {{ ref('dim_dates') }}
),

-- 事项取申办当日有效的版本；当日没有有效版本的，性质与主题取最近一版，但不算全流程。
joined as (
    select
        cases.*,
        items.item_version,
        case when items.statutory_limit between 0 and 3000 then items.statutory_limit end as statutory_limit,
        items.statutory_limit_unit,
        coalesce(items.subject, latest.subject, 'unknown') as subject,
        coalesce(items.person_theme_code, latest.person_theme_code) as person_theme_code,
        coalesce(items.legal_theme_code, latest.legal_theme_code) as legal_theme_code,
        coalesce(items.is_full_online, false) as is_full_online_declared,
        coalesce(units.counts_as_code, cases.unit_code) as counts_as_code,
        coalesce(units.level_code, 'unknown') as level_code,
        coalesce(units.region_code, regions.region_code) as place_code,
        coalesce(units.county_code, regions.county_code) as county_code,
        case when cases.limit_value between 1 and 3000 then cases.limit_value end as promised_days
    from cases
    left join items
        on cases.item_code = items.item_code
        and cases.applied_on >= items.applies_from
        and cases.applied_on < items.applies_until
    left join items as latest on cases.item_code = latest.item_code and latest.is_latest
    left join units on cases.unit_code = units.unit_code and {{ holds_on('units', 'cases.units_on') }}
    left join regions on cases.region_code = regions.region_code and {{ holds_on('regions', 'cases.units_on') }}
),

-- 时限自受理次日起算；这里不计补正、特别程序的停计。
due as (
    select
        joined.*,
        case joined.limit_unit
            when 'G' then promised.date_on
            when 'Z' then {{ add_days('joined.accepted_on', 'joined.promised_days') }}
        end as promised_due_on,
        case joined.statutory_limit_unit
            when 'G' then statutory.date_on
            when 'Z' then {{ add_days('joined.accepted_on', 'joined.statutory_limit') }}
        end as statutory_due_on
    from joined
    left join dates as accepted on joined.accepted_on = accepted.date_on
    left join dates as promised
        on accepted.working_day_no + joined.promised_days = promised.working_day_no
        and promised.is_working_day
    left join dates as statutory
        on accepted.working_day_no + joined.statutory_limit = statutory.working_day_no
        and statutory.is_working_day
),

judged as (
    select
        *,
        coalesce(
            acceptance_status = '1'
            and closed_at is not null
            and closing_result in ('0', '1', '4', '5', '6', '7'),
            false
        ) as is_business_volume
    from due
)

select
    case_no,
    case_month,
    source,
    item_code,
    item_version,
    subject,
    counts_as_code as unit_code,
    place_code as region_code,
    level_code,
    county_code,
    person_theme_code,
    legal_theme_code,
    applicant_type,
    channel_code,
    origin_case_no,
    applied_at,
    pre_accepted_at,
    accepted_at,
    acceptance_status,
    first_step_at,
    last_step_at,
    step_count,
    supplement_count,
    special_procedure_count,
    closed_at,
    cast(date_trunc('month', closed_at) as date) as closed_month,
    closing_result,
    collected_at,
    collection_method,
    visit_count,
    declared_due_at,
    promised_due_on,
    statutory_due_on,
    coalesce(acceptance_status = '2', false) as is_acceptance_refused,
    is_business_volume,
    is_business_volume and closing_result = '5' as is_supplement_abandoned,
    channel_code = '1' as is_applied_online,
    channel_code = 'unknown' as is_channel_unknown,
    is_full_online_declared,
    is_business_volume and channel_code = '1' and is_full_online_declared as is_closed_online,
    is_business_volume and channel_code = '1' and coalesce(visit_count <= 1, false) as is_closed_online_measured,
    coalesce(visit_count <= 1, false) as is_visits_at_most_one,
    coalesce(visit_count = 0, false) as is_visits_zero,
    visit_count is null as is_visits_unknown
from judged
