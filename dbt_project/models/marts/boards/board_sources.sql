{# Silence is counted at the moment of the build, so that what lands of a source changes only when something came. #}
with context as (
    select as_of, cast(as_of as date) as as_of_on from {{ source('run', 'context') }}
),

dates as (
    select date_on, is_working_day, working_day_no from {{ ref('dim_dates') }}
),

sources as (
    select
        held.*,
        context.as_of,
        {{ worked_seconds('today', 'context.as_of') }} - {{ worked_seconds('since', 'held.silent_since') }} as silent_seconds
    from {{ ref('int_source_standings_latest') }} as held
    cross join context
    left join dates as today on context.as_of_on = today.date_on
    left join dates as since on cast(held.silent_since as date) = since.date_on
),

judged as (
    select
        *,
        case
            when state = 'ok' and silent_seconds > silent_after_hours * 3600 then 'silent'
            else state
        end as shown_state
    from sources
)

select
    system_name as source_name,
    source_title,
    system_title,
    owner_name,
    connector,
    shown_state as state,
    {{ source_state_in_words('shown_state') }} as state_name,
    trouble,
    table_count,
    row_count,
    deleted_count,
    remark_count,
    last_rows_at,
    silent_after_hours,
    cast(greatest(silent_seconds, 0) as double) / 3600 as silence_working_hours,
    cast(greatest(silent_seconds, 0) as double) / 3600 / nullif(silent_after_hours, 0) as silence_share,
    silent_after_hours is not null as is_connected,
    shown_state = 'silent' as is_silent,
    shown_state in ('failed', 'broken') as is_failed,
    as_of as read_at,
    cast(null as string) as county_code,
    cast(null as string) as unit_code
from judged
