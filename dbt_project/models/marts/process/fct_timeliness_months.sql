{{ config(meta={'moves_with': 'day'}) }}
{# Both denominators side by side: closed cases only, and with the cases that are overdue and still open when the month
   ends (or at the build's own day, in the month that runs). #}
with context as (
    select cast(as_of as date) as as_of_on from {{ source('run', 'context') }}
),

cases as (
    select
        case_no,
        unit_code,
        region_code,
        level_code,
        county_code,
        subject,
        cast(closed_at as date) as closed_on,
        closed_month,
        is_business_volume and is_closed_on_time is not null as is_judged,
        is_closed_on_time,
        coalesce(
            promised_overdue_from,
            case when promised_limit is null and acceptance_status = '1' then cast(declared_due_at as date) end
        ) as overdue_from
    from {{ ref('fct_cases') }}
),

months as (
    select
        cast(date_trunc('month', dates.date_on) as date) as month,
        max(dates.date_on) as read_on
    from {{ ref('dim_dates') }} as dates
    cross join context
    where dates.date_on <= context.as_of_on
    group by cast(date_trunc('month', dates.date_on) as date)
),

closed as (
    select
        month_on as month,
        unit_code,
        region_code,
        level_code,
        county_code,
        subject,
        judged_count as closed_count,
        on_time_count as closed_on_time_count,
        cast(0 as bigint) as overdue_open_count
    from {{ ref('int_case_events_counted') }}
    where judged_count > 0
    -- 记了将来的办结日期的，还没有办结
    union all
    select
        closed_month as month,
        unit_code,
        region_code,
        level_code,
        county_code,
        subject,
        cast(-1 as bigint) as closed_count,
        cast(case when is_closed_on_time then -1 else 0 end as bigint) as closed_on_time_count,
        cast(0 as bigint) as overdue_open_count
    from cases
    cross join context
    where is_judged and closed_on > context.as_of_on
),

overdue as (
    select *
    from cases
    where overdue_from is not null and (closed_on is null or closed_on > overdue_from)
),

still_open as (
    select
        months.month,
        overdue.unit_code,
        overdue.region_code,
        overdue.level_code,
        overdue.county_code,
        overdue.subject,
        cast(0 as bigint) as closed_count,
        cast(0 as bigint) as closed_on_time_count,
        cast(count(*) as bigint) as overdue_open_count
    from overdue
    inner join months
        on overdue.overdue_from <= months.read_on
        and coalesce(overdue.closed_on, cast('9999-12-31' as date)) > months.read_on
    group by
        months.month, overdue.unit_code, overdue.region_code, overdue.level_code, overdue.county_code, overdue.subject
),

together as (
    select * from closed
    union all
    select * from still_open
),

summed as (
    select
        month,
        unit_code,
        subject,
        region_code,
        level_code,
        county_code,
        cast(sum(closed_count) as bigint) as closed_count,
        cast(sum(closed_on_time_count) as bigint) as closed_on_time_count,
        cast(sum(overdue_open_count) as bigint) as overdue_open_count
    from together
    group by month, unit_code, subject, region_code, level_code, county_code
    having sum(closed_count) + sum(overdue_open_count) > 0
)

select
    month,
    unit_code,
    subject,
    region_code,
    level_code,
    county_code,
    closed_count,
    closed_on_time_count,
    overdue_open_count,
    closed_count + overdue_open_count as due_count,
    cast(closed_on_time_count as double) / nullif(closed_count, 0) as on_time_rate_of_closed,
    cast(closed_on_time_count as double) / nullif(closed_count + overdue_open_count, 0) as on_time_rate_of_due
from summed
