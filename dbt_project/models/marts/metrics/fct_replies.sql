{{ config(meta={'moves_with': 'day'}) }}
-- 到期与否取决于构建当日，所以每次重算。
with together as (
    select
        question_no as reply_no,
        '在线咨询' as origin,
        cast(null as string) as way_in,
        unit_code,
        asked_at as begun_at,
        case when status = 'answered' then answered_at end as replied_at,
        _load_id as load_id
    from {{ ref('int_questions_latest') }}
    union all
    select
        complaint_no as reply_no,
        coalesce(complaint_kind, '其他') as origin,
        channel as way_in,
        unit_code,
        filed_at as begun_at,
        case when status = 'handled' then handled_at end as replied_at,
        _load_id as load_id
    from {{ ref('int_complaints_latest') }}
),

limited as (
    select together.*, coalesce(own.limit_working_days, other.limit_working_days) as limit_working_days
    from together
    left join {{ ref('reply_limits') }} as own on together.origin = own.origin
    left join {{ ref('reply_limits') }} as other on other.origin = '其他'
),

due as (
    select limited.*, ends.date_on as due_on
    from limited
    left join {{ ref('dim_dates') }} as begun on cast(limited.begun_at as date) = begun.date_on
    left join {{ ref('dim_dates') }} as ends
        on begun.working_day_no + limited.limit_working_days = ends.working_day_no
        and ends.is_working_day
)

select
    due.reply_no,
    'all' as subject,
    due.origin,
    due.way_in,
    coalesce(units.counts_as_code, due.unit_code) as unit_code,
    units.region_code,
    coalesce(units.level_code, 'unknown') as level_code,
    units.county_code,
    due.begun_at,
    due.replied_at,
    due.due_on,
    cast(date_trunc('month', due.due_on) as date) as due_month,
    coalesce(due.due_on < cast(context.as_of as date), false) as is_due,
    due.origin = '在线咨询' as is_question,
    due.origin <> '在线咨询' as is_complaint,
    coalesce(cast(due.replied_at as date) <= due.due_on, false) as is_in_time,
    due.load_id
from due
cross join {{ source('run', 'context') }} as context
left join {{ ref('dim_unit_versions') }} as units
    on due.unit_code = units.unit_code and {{ holds_on('units', reported_on('due.due_on')) }}
