{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with steps as (
    select
        application_no as case_no,
        step_code,
        step_no,
        handled_at,
        unit_code,
        post_code,
        status
    from {{ ref('int_approval_steps_deduplicated') }}
    {{ touched() }}
),

cases as (
    select
        case_no,
        item_code,
        unit_code as case_unit_code,
        case_month,
        coalesce(case when acceptance_status = '1' then accepted_at end, applied_at) as begun_at
    from {{ ref('int_cases_accumulated') }}
    where has_application {{ touched('case_no', and_=true) }}
),

dates as (
    select date_on, is_working_day, working_day_no from {{ ref('dim_dates') }}
),

followed as (
    select
        steps.*,
        row_number() over in_order as position,
        row_number() over (
            partition by steps.case_no, steps.step_code
            order by steps.handled_at asc nulls last, steps.step_no asc nulls last
        ) as repetition,
        lag(steps.handled_at) over in_order as previous_at,
        lag(steps.step_code) over in_order as previous_step_code,
        lag(steps.unit_code) over in_order as previous_unit_code,
        lag(steps.post_code) over in_order as previous_post_code
    from steps
    window in_order as (
        partition by steps.case_no
        order by steps.handled_at asc nulls last, steps.step_code asc nulls last, steps.step_no asc nulls last
    )
),

timed as (
    select
        followed.*,
        cases.item_code,
        cases.case_unit_code,
        cases.case_month,
        coalesce(followed.previous_at, cases.begun_at) as waiting_from
    from followed
    inner join cases on followed.case_no = cases.case_no
),

waited as (
    select
        timed.*,
        {{ seconds_between('timed.waiting_from', 'timed.handled_at') }} as waited_seconds,
        {{ worked_seconds('ended', 'timed.handled_at') }} - {{ worked_seconds('begun', 'timed.waiting_from') }} as waited_working_seconds
    from timed
    left join dates as begun on cast(timed.waiting_from as date) = begun.date_on
    left join dates as ended on cast(timed.handled_at as date) = ended.date_on
)

select
    case_no,
    step_code,
    step_no,
    handled_at,
    case_month,
    item_code,
    case_unit_code,
    unit_code,
    post_code,
    status,
    cast(position as int) as position,
    cast(repetition as int) as repetition,
    previous_step_code,
    previous_unit_code,
    previous_post_code,
    waiting_from,
    case when waited_seconds >= 0 then cast(waited_seconds as double) / 3600 end as waited_hours,
    case when waited_seconds >= 0 then cast(waited_working_seconds as double) / 3600 end as waited_working_hours,
    repetition > 1 as is_repeated,
    coalesce(step_code < previous_step_code, false) as is_step_back,
    case
        when position > 1
            then concat(coalesce(unit_code, ''), '|', coalesce(post_code, ''))
                <> concat(coalesce(previous_unit_code, ''), '|', coalesce(previous_post_code, ''))
    end as is_handed_over
from waited
-- what they were before is kept first: {{ ref('int_steps_before') }}
