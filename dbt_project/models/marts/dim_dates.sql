{{ config(tags=['static']) }}

with days as (
    select {{ date_series("cast('2010-01-01' as date)", "cast('2027-12-31' as date)", 'day') }} as date_on
),

spans as (
    select * from {{ ref('holiday_spans') }}
),

-- 某年有公告，才知道哪些星期六、日调休上班。
noticed as (
    select distinct year from spans where not is_assumed
),

judged as (
    select
        days.date_on,
        {{ iso_weekday('days.date_on') }} as iso_weekday,
        spans.holiday_name,
        coalesce(spans.is_working_day, {{ iso_weekday('days.date_on') }} <= 5) as is_working_day,
        noticed.year is null as is_assumed,
        case
            when spans.is_working_day then 'make_up_workday'
            when not spans.is_working_day then 'holiday'
            when {{ iso_weekday('days.date_on') }} <= 5 then 'workday'
            else 'weekend'
        end as day_kind
    from days
    left join spans on days.date_on between spans.starts_on and spans.ends_on
    left join noticed on year(days.date_on) = noticed.year
)

select
    date_on,
    cast(year(date_on) as int) as year,
    cast(quarter(date_on) as int) as quarter,
    cast(month(date_on) as int) as month,
    iso_weekday,
    day_kind,
    holiday_name,
    is_working_day,
    is_assumed,
    cast(sum(case when is_working_day then 1 else 0 end) over (order by date_on) as int) as working_day_no,
    cast(row_number() over (order by date_on) as int) as day_no
from judged
