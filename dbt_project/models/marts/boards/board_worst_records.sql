{# The twenty of each department that have waited longest for somebody; no personal data, a case number opens the rest. #}
with context as (
    select as_of from {{ source('run', 'context') }}
),

sources as (
    select system_name, source_title from {{ ref('int_source_standings_latest') }}
),

records as (
    select
        held.*,
        {{ seconds_between('context.as_of', 'held.due_at') }} as seconds_left
    from {{ ref('int_worst_records_latest') }} as held
    cross join context
)

select
    records.case_no,
    records.record as record_code,
    records.record_title,
    records.record_key,
    records.record_version,
    nullif(records.system_name, '') as source_name,
    sources.source_title,
    units.level_name,
    units.county_code,
    units.county_name,
    units.town_code,
    coalesce(units.counts_as_code, nullif(records.unit_code, '')) as unit_code,
    units.unit_name,
    records.standing,
    {{ standing_in_words('records.standing') }} as standing_name,
    {{ receipt_in_words('records.receipt_code') }} as receipt_name,
    nullif(records.rules, '') as rule_ids,
    records.rule_titles,
    records.rule_mends,
    records.is_backfill,
    {{ duty_in_words('records.is_backfill') }} as duty_name,
    records.arrived_at,
    records.due_at,
    cast(records.seconds_left as double) / 3600 as hours_left,
    coalesce(records.seconds_left <= 0, false) as is_late
from records
left join sources on records.system_name = sources.system_name
left join {{ ref('dim_units_today') }} as units on records.unit_code = units.reported_unit_code
