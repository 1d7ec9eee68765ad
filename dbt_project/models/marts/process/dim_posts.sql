{# 没有来源报送岗位名册：岗位自第一次办理起、至最近一次办理止，按部门与职务认。一年以上没有办理而后又有的，另作一段。 #}
with handled as (
    select
        unit_code,
        post_code,
        cast(date_trunc('month', handled_at) as date) as handled_month,
        cast(min(handled_at) as date) as first_handled_on,
        cast(max(handled_at) as date) as last_handled_on,
        cast(count(*) as int) as step_count
    from {{ ref('fct_steps') }}
    where unit_code is not null and post_code is not null and handled_at is not null
    group by unit_code, post_code, cast(date_trunc('month', handled_at) as date)
),

followed as (
    select
        *,
        lag(last_handled_on) over (partition by unit_code, post_code order by handled_month) as before_on
    from handled
),

stretches as (
    select
        *,
        sum(case when before_on is null or {{ days_between('before_on', 'first_handled_on') }} > 366 then 1 else 0 end) over (
            partition by unit_code, post_code order by handled_month
        ) as stretch_no
    from followed
),

spans as (
    select
        unit_code,
        post_code,
        stretch_no,
        min(first_handled_on) as valid_from,
        max(last_handled_on) as last_handled_on,
        cast(sum(step_count) as int) as step_count
    from stretches
    group by unit_code, post_code, stretch_no
)

select
    unit_code,
    post_code,
    valid_from,
    last_handled_on,
    step_count,
    lead(valid_from) over (partition by unit_code, post_code order by stretch_no) is null as is_latest
from spans
