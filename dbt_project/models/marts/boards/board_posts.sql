{{ config(meta={'moves_with': 'day'}) }}
{# By post: what it handled, and of the cases that it handled last, how many were closed late or are overdue. Only where
   a post is known. Overdue and open counts in the month of the build. #}
with context as (
    select cast(as_of as date) as as_of_on from {{ source('run', 'context') }}
),

steps as (
    select case_no, unit_code, post_code, handled_at, position, is_repeated, is_step_back
    from {{ ref('fct_steps') }}
    where handled_at is not null and post_code is not null
),

handled as (
    select
        cast(date_trunc('month', handled_at) as date) as month_on,
        unit_code,
        post_code,
        cast(count(*) as bigint) as step_count,
        cast(count_if(is_repeated) as bigint) as repeated_count,
        cast(count_if(is_step_back) as bigint) as step_back_count
    from steps
    group by cast(date_trunc('month', handled_at) as date), unit_code, post_code
),

last_steps as (
    select
        case_no,
        max_by(unit_code, position) as unit_code,
        max_by(post_code, position) as post_code
    from steps
    group by case_no
),

closed as (
    select
        cases.closed_month as month_on,
        last_steps.unit_code,
        last_steps.post_code,
        cast(count(*) as bigint) as closed_count,
        cast(count_if(not cases.is_closed_on_time) as bigint) as closed_late_count
    from {{ ref('fct_cases') }} as cases
    inner join last_steps on cases.case_no = last_steps.case_no
    cross join context
    where
        cases.is_business_volume
        and cases.is_closed_on_time is not null
        and cast(cases.closed_at as date) <= context.as_of_on
    group by cases.closed_month, last_steps.unit_code, last_steps.post_code
),

overdue as (
    select
        cast(date_trunc('month', context.as_of_on) as date) as month_on,
        last_steps.unit_code,
        last_steps.post_code,
        cast(count(*) as bigint) as overdue_open_count
    from {{ ref('fct_cases') }} as cases
    inner join last_steps on cases.case_no = last_steps.case_no
    cross join context
    where
        coalesce(
            cases.promised_overdue_from,
            case
                when cases.promised_limit is null and cases.acceptance_status = '1'
                    then cast(cases.declared_due_at as date)
            end
        ) <= context.as_of_on
        and (cases.closed_at is null or cast(cases.closed_at as date) > context.as_of_on)
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
)

select
    {{ format_time('summed.month_on', 'yyyy-MM') }} as month,
    summed.month_on,
    levels.level_name,
    units.county_code,
    counties.region_name as county_name,
    case units.level_code when 'town' then units.region_code end as town_code,
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
left join {{ ref('dim_regions') }} as counties on units.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on units.level_code = levels.level_code
