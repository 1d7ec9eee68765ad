{{ config(meta={'moves_with': 'day'}) }}
{# By post: what it handled, and of the cases that it handled last, how many were closed late or are overdue. Only where
   a post is known. Overdue and open counts in the month of the build. #}
with context as (
    select cast(as_of as date) as as_of_on from {{ source('run', 'context') }}
),

handled as (
    select
        month_on,
        unit_code,
        post_code,
        cast(sum(row_count) as bigint) as step_count,
        cast(sum(repeated_count) as bigint) as repeated_count,
        cast(sum(step_back_count) as bigint) as step_back_count
    from {{ ref('int_steps_counted') }}
    where month_on is not null and post_code is not null
    group by month_on, unit_code, post_code
),

-- 截至构建之日还开着的：已超期的，以及记了将来的办结日期、已数在各月里的。
still_open as (
    select
        cases.case_no,
        cases.closed_month,
        cases.is_business_volume and cases.is_closed_on_time is not null as is_judged,
        cases.is_closed_on_time,
        coalesce(
            cases.promised_overdue_from,
            case
                when cases.promised_limit is null and cases.acceptance_status = '1'
                    then cast(cases.declared_due_at as date)
            end
        ) as overdue_from
    from {{ ref('fct_cases') }} as cases
    cross join context
    where cases.closed_at is null or cast(cases.closed_at as date) > context.as_of_on
),

last_steps as (
    select
        case_no,
        max_by(unit_code, position) as unit_code,
        max_by(post_code, position) as post_code
    from {{ ref('fct_steps') }}
    where
        handled_at is not null and post_code is not null
        and case_no in (select still_open.case_no from still_open where still_open.case_no >= '')
    group by case_no
),

closed as (
    select month_on, unit_code, post_code, row_count as closed_count, closed_late_count
    from {{ ref('int_last_posts_counted') }}
    union all
    select
        still_open.closed_month as month_on,
        last_steps.unit_code,
        last_steps.post_code,
        cast(-1 as bigint) as closed_count,
        cast(case when still_open.is_closed_on_time then 0 else -1 end as bigint) as closed_late_count
    from still_open
    inner join last_steps on still_open.case_no = last_steps.case_no
    where still_open.is_judged and still_open.closed_month is not null
),

overdue as (
    select
        cast(date_trunc('month', context.as_of_on) as date) as month_on,
        last_steps.unit_code,
        last_steps.post_code,
        cast(count(*) as bigint) as overdue_open_count
    from still_open
    inner join last_steps on still_open.case_no = last_steps.case_no
    cross join context
    where still_open.overdue_from <= context.as_of_on
    group by cast(date_trunc('month', context.as_of_on) as date), last_steps.unit_code, last_steps.post_code
),

together as (
    select
        month_on,
        unit_code,
        post_code,
        step_count,
        repeated_count,
        step_back_count,
        cast(0 as bigint) as closed_count,
        cast(0 as bigint) as closed_late_count,
        cast(0 as bigint) as overdue_open_count
    from handled
    union all
    select
        month_on,
        unit_code,
        post_code,
        cast(0 as bigint) as step_count,
        cast(0 as bigint) as repeated_count,
        cast(0 as bigint) as step_back_count,
        closed_count,
        closed_late_count,
        cast(0 as bigint) as overdue_open_count
    from closed
    union all
    select
        month_on,
        unit_code,
        post_code,
        cast(0 as bigint) as step_count,
        cast(0 as bigint) as repeated_count,
        cast(0 as bigint) as step_back_count,
        cast(0 as bigint) as closed_count,
        cast(0 as bigint) as closed_late_count,
        overdue_open_count
    from overdue
),

summed as (
    select
        month_on,
        unit_code,
        post_code,
        cast(sum(step_count) as bigint) as step_count,
        cast(sum(repeated_count) as bigint) as repeated_count,
        cast(sum(step_back_count) as bigint) as step_back_count,
        cast(sum(closed_count) as bigint) as closed_count,
        cast(sum(closed_late_count) as bigint) as closed_late_count,
        cast(sum(overdue_open_count) as bigint) as overdue_open_count
    from together
    group by month_on, unit_code, post_code
    having sum(step_count) + sum(closed_count) + sum(overdue_open_count) > 0
)

select
    {{ format_time('summed.month_on', 'yyyy-MM') }} as month,
    summed.month_on,
    units.level_name,
    units.county_code,
    units.county_name,
    units.town_code,
    summed.unit_code,
    units.unit_name,
    summed.post_code,
    summed.step_count,
    summed.repeated_count,
    summed.step_back_count,
    summed.closed_count,
    summed.closed_late_count,
    summed.overdue_open_count
from summed
left join {{ ref('dim_units') }} as units on summed.unit_code = units.unit_code
