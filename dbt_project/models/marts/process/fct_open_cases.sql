{{ config(meta={'moves_with': 'moment'}) }}
{# Built anew every time: how much time is left depends on the moment that the build stands for. #}
with context as (
    select as_of, cast(as_of as date) as as_of_on from {{ source('run', 'context') }}
),

cases as (
    select
        those.case_no,
        those.item_code,
        those.item_version,
        those.subject,
        those.unit_code,
        those.region_code,
        those.level_code,
        those.county_code,
        those.channel_code,
        those.applied_at,
        those.accepted_at,
        those.promised_limit,
        those.promised_limit_unit,
        those.statutory_limit,
        those.statutory_limit_unit,
        those.declared_due_at,
        context.as_of,
        context.as_of_on,
        cast(those.accepted_at as date) as accepted_on
    from {{ ref('fct_cases') }} as those
    cross join context
    where
        those.acceptance_status = '1'
        and those.accepted_at <= context.as_of
        and (those.closed_at is null or those.closed_at > context.as_of)
),

suspensions as (
    select those.*, cases.as_of
    from {{ ref('int_suspensions') }} as those
    inner join cases on those.case_no = cases.case_no
),

dates as (
    select date_on, is_working_day, working_day_no, day_no from {{ ref('dim_dates') }}
),

unit_days as (
    {{ unit_days('dates') }}
),

stopped as (
    {{ stops('suspensions', as_of='as_of') }}
),

spans as (
    {{ stopped_spans('stopped') }}
),

promised_shifts as (
    {{ clock_shifts('cases', 'spans', 'dates', 'promised_limit', 'promised_limit_unit') }}
),

statutory_shifts as (
    {{ clock_shifts('cases', 'spans', 'dates', 'statutory_limit', 'statutory_limit_unit') }}
),

stopped_days as (
    {{ stopped_up_to('cases', 'spans', 'dates', 'as_of_on') }}
),

-- 尚未结束的停计，自己的期限还剩几天。
running_suspensions as (
    select
        suspensions.case_no,
        min(
            {{ day_number('limits', 'suspensions.limit_unit') }} - {{ day_number('today', 'suspensions.limit_unit') }}
        ) as suspension_rest_days
    from suspensions
    inner join dates as today on cast(suspensions.as_of as date) = today.date_on
    inner join dates as limits on suspensions.limit_ends_on = limits.date_on
    where
        suspensions.is_after_acceptance
        and not suspensions.is_reversed
        and suspensions.started_at <= suspensions.as_of
        and (suspensions.ended_at is null or suspensions.ended_at > suspensions.as_of)
    group by suspensions.case_no
),

numbered as (
    select
        cases.*,
        accepted.working_day_no as accepted_working_day_no,
        {{ day_number('accepted', 'cases.promised_limit_unit') }} + cases.promised_limit as promised_no,
        {{ day_number('accepted', 'cases.statutory_limit_unit') }} + cases.statutory_limit as statutory_no,
        greatest(today.working_day_no - accepted.working_day_no, 0)
        - coalesce(stopped_days.stopped_working_days, 0) as passed_working_days,
        greatest(today.day_no - accepted.day_no, 0) - coalesce(stopped_days.stopped_days, 0) as passed_days,
        coalesce(stopped_days.is_stopped, false) as is_stopped
    from cases
    left join dates as accepted on cases.accepted_on = accepted.date_on
    left join dates as today on cases.as_of_on = today.date_on
    left join stopped_days on cases.case_no = stopped_days.case_no
),

read as (
    select
        numbered.*,
        case when not coalesce(promised_shifts.is_open, false) then promised.date_on end as promised_due_on,
        case when not coalesce(statutory_shifts.is_open, false) then statutory.date_on end as statutory_due_on,
        numbered.promised_limit
        - case numbered.promised_limit_unit when 'G' then numbered.passed_working_days when 'Z' then numbered.passed_days end
            as promised_rest_days,
        numbered.statutory_limit
        - case numbered.statutory_limit_unit when 'G' then numbered.passed_working_days when 'Z' then numbered.passed_days end
            as statutory_rest_days,
        running_suspensions.suspension_rest_days
    from numbered
    left join promised_shifts on numbered.case_no = promised_shifts.case_no
    left join statutory_shifts on numbered.case_no = statutory_shifts.case_no
    left join running_suspensions on numbered.case_no = running_suspensions.case_no
    left join unit_days as promised
        on numbered.promised_limit_unit = promised.unit
        and numbered.promised_no + coalesce(promised_shifts.shift_days, 0) = promised.day_no
    left join unit_days as statutory
        on numbered.statutory_limit_unit = statutory.unit
        and numbered.statutory_no + coalesce(statutory_shifts.shift_days, 0) = statutory.day_no
)

select
    case_no,
    as_of as read_at,
    item_code,
    item_version,
    subject,
    unit_code,
    region_code,
    level_code,
    county_code,
    channel_code,
    applied_at,
    accepted_at,
    declared_due_at,
    cast(passed_working_days as int) as passed_working_days,
    cast(passed_days as int) as passed_days,
    promised_limit,
    promised_limit_unit,
    cast(promised_rest_days as int) as promised_rest_days,
    promised_due_on,
    statutory_limit,
    statutory_limit_unit,
    cast(statutory_rest_days as int) as statutory_rest_days,
    statutory_due_on,
    is_stopped,
    cast(suspension_rest_days as int) as suspension_rest_days,
    coalesce(suspension_rest_days between 0 and {{ suspension_alert_days() }}, false) as is_suspension_warned,
    coalesce(suspension_rest_days < 0, false) as is_suspension_overrun,
    {{ clock_state('promised_rest_days', 'statutory_rest_days', 'promised_limit', 'is_stopped', 'accepted_on = as_of_on') }} as clock_state
from read
