{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with suspensions as (
    select *, concat(suspension_kind, coalesce(cast(sequence_no as string), '')) as own_no
    from {{ ref('int_suspensions') }}
    {{ touched('case_no') }}
),

-- 这一次停计自己停了哪些日子（与别的停计重叠的也在内）。
stopped as (
    {{ stops('suspensions', keys=['case_no', 'own_no']) }}
),

cases as (
    select
        case_no,
        item_code,
        unit_code,
        promised_overdue_from,
        statutory_overdue_from
    from {{ ref('fct_cases') }}
    {{ touched('case_no') }}
),

dates as (
    select date_on, working_day_no, day_no from {{ ref('dim_dates') }}
)

select
    suspensions.case_no,
    suspensions.suspension_kind,
    suspensions.sequence_no,
    cases.item_code,
    cases.unit_code,
    suspensions.started_at,
    suspensions.ended_at,
    suspensions.limit_value,
    suspensions.limit_unit,
    suspensions.limit_ends_on,
    case
        when not suspensions.is_after_acceptance then 'before_acceptance'
        when suspensions.is_reversed then 'reversed'
        when suspensions.is_after_closing then 'after_closing'
        when suspensions.is_refused and suspensions.ended_at is not null then 'refused'
    end as ignored_because,
    stopped.case_no is not null as is_counted,
    stopped.runs_until,
    stopped.case_no is not null and stopped.runs_until is null as is_open_ended,
    cast(case when until.day_no >= before.day_no then until.working_day_no - before.working_day_no end as int) as stopped_working_days,
    cast(case when until.day_no >= before.day_no then until.day_no - before.day_no end as int) as stopped_days,
    coalesce(
        cast(coalesce(suspensions.ended_at, suspensions.closed_at) as date) > suspensions.limit_ends_on, false
    ) as is_ended_beyond_limit,
    coalesce(suspensions.starts_on >= cases.promised_overdue_from, false) as is_begun_overdue
from suspensions
left join stopped
    on suspensions.case_no = stopped.case_no
    and suspensions.own_no = stopped.own_no
left join cases on suspensions.case_no = cases.case_no
left join dates as before
    on greatest({{ add_days('suspensions.starts_on', -1) }}, cast(suspensions.accepted_at as date)) = before.date_on
left join dates as until on stopped.runs_until = until.date_on
