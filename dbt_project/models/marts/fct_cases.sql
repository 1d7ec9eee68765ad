{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with cases as (
    select
        *,
        cast(applied_at as date) as applied_on,
        case when acceptance_status = '1' then cast(accepted_at as date) end as accepted_on,
        cast(closed_at as date) as closed_on,
        coalesce(limit_value between 1 and 3000 and limit_unit in ('G', 'Z'), false) as has_limit,
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
    select date_on, is_working_day, working_day_no, day_no from {{ ref('dim_dates') }}
),

unit_days as (
    {{ unit_days('dates') }}
),

spans as (
    select case_no, starts_on, runs_until
    from {{ ref('int_stopped_spans') }}
    {{ touched('case_no') }}
),

-- 事项取申办当日有效的版本；当日没有有效版本的，性质与主题取最近一版，但不算全流程。
joined as (
    select
        cases.*,
        items.item_version,
        case when items.statutory_limit between 1 and 3000 then items.statutory_limit end as statutory_limit,
        items.statutory_limit_unit,
        coalesce(items.subject, latest.subject, 'unknown') as subject,
        coalesce(items.person_theme_code, latest.person_theme_code) as person_theme_code,
        coalesce(items.legal_theme_code, latest.legal_theme_code) as legal_theme_code,
        coalesce(items.special_theme_code, latest.special_theme_code) as special_theme_code,
        coalesce(items.is_full_online, false) as is_full_online_declared,
        coalesce(units.counts_as_code, cases.unit_code) as counts_as_code,
        coalesce(units.level_code, 'unknown') as level_code,
        coalesce(units.region_code, regions.region_code) as place_code,
        coalesce(units.county_code, regions.county_code) as county_code,
        -- 受理时承诺的时限；来源没有报的，取事项当日版本的承诺时限。
        case
            when cases.has_limit then cases.limit_value
            when items.promised_limit between 1 and 3000 then items.promised_limit
        end as promised_limit,
        case when cases.has_limit then cases.limit_unit else items.promised_limit_unit end as promised_limit_unit
    from cases
    left join items
        on cases.item_code = items.item_code
        and cases.applied_on >= items.applies_from
        and cases.applied_on < items.applies_until
    left join items as latest on cases.item_code = latest.item_code and latest.is_latest
    left join units on cases.unit_code = units.unit_code and {{ holds_on('units', 'cases.units_on') }}
    left join regions on cases.region_code = regions.region_code and {{ holds_on('regions', 'cases.units_on') }}
),

promised_shifts as (
    {{ clock_shifts('joined', 'spans', 'dates', 'promised_limit', 'promised_limit_unit') }}
),

statutory_shifts as (
    {{ clock_shifts('joined', 'spans', 'dates', 'statutory_limit', 'statutory_limit_unit') }}
),

stopped as (
    {{ stopped_up_to('joined', 'spans', 'dates', 'closed_on') }}
),

numbered as (
    select
        joined.*,
        accepted.working_day_no as accepted_working_day_no,
        {{ day_number('accepted', 'joined.promised_limit_unit') }} + joined.promised_limit as promised_no,
        {{ day_number('accepted', 'joined.statutory_limit_unit') }} + joined.statutory_limit as statutory_no
    from joined
    left join dates as accepted on joined.accepted_on = accepted.date_on
),

-- 时限自受理次日起算，停计的日子不算；超期自时限用完后的第一个计时日起。
due as (
    select
        numbered.*,
        case when not coalesce(promised_shifts.is_open, false) then promised.date_on end as promised_due_on,
        case when not coalesce(promised_shifts.is_overdue_open, false) then over_promised.date_on end as promised_overdue_from,
        case when not coalesce(statutory_shifts.is_open, false) then statutory.date_on end as statutory_due_on,
        case when not coalesce(statutory_shifts.is_overdue_open, false) then over_statutory.date_on end as statutory_overdue_from,
        coalesce(stopped.stopped_working_days, 0) as stopped_working_days,
        coalesce(stopped.stopped_days, 0) as stopped_days,
        closing.working_day_no - numbered.accepted_working_day_no as gross_working_days,
        {{ days_between('numbered.accepted_on', 'numbered.closed_on') }} as gross_days
    from numbered
    left join promised_shifts on numbered.case_no = promised_shifts.case_no
    left join statutory_shifts on numbered.case_no = statutory_shifts.case_no
    left join stopped on numbered.case_no = stopped.case_no
    left join dates as closing on numbered.closed_on = closing.date_on
    left join unit_days as promised
        on numbered.promised_limit_unit = promised.unit
        and numbered.promised_no + coalesce(promised_shifts.shift_days, 0) = promised.day_no
    left join unit_days as over_promised
        on numbered.promised_limit_unit = over_promised.unit
        and numbered.promised_no + coalesce(promised_shifts.overdue_shift_days, 0) + 1 = over_promised.day_no
    left join unit_days as statutory
        on numbered.statutory_limit_unit = statutory.unit
        and numbered.statutory_no + coalesce(statutory_shifts.shift_days, 0) = statutory.day_no
    left join unit_days as over_statutory
        on numbered.statutory_limit_unit = over_statutory.unit
        and numbered.statutory_no + coalesce(statutory_shifts.overdue_shift_days, 0) + 1 = over_statutory.day_no
),

judged as (
    select
        *,
        coalesce(
            acceptance_status = '1'
            and closed_at is not null
            and closing_result in ('0', '1', '4', '5', '6', '7'),
            false
        ) as is_business_volume,
        accepted_on is not null and closed_at is not null and closed_at >= accepted_at as is_run
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
    special_theme_code,
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
    promised_limit,
    promised_limit_unit,
    promised_due_on,
    promised_overdue_from,
    statutory_limit,
    statutory_limit_unit,
    statutory_due_on,
    statutory_overdue_from,
    cast(case when is_run then stopped_working_days end as int) as stopped_working_days,
    cast(case when is_run then stopped_days end as int) as stopped_days,
    cast(case when is_run then gross_working_days - stopped_working_days end as int) as handling_working_days,
    cast(case when is_run then gross_days - stopped_days end as int) as handling_days,
    case
        when closed_at is null then null
        when promised_overdue_from is not null then closed_on < promised_overdue_from
        when promised_limit is null then closed_at <= declared_due_at
    end as is_closed_on_time,
    case when closed_at is not null then closed_on < statutory_overdue_from end as is_closed_within_statutory,
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
-- what they were before is kept first: {{ ref('int_cases_before') }}
