{# A record that breaks two rules is under both: the counts of several rules do not add up to records. #}
with sources as (
    select system_name, source_title from {{ ref('int_source_standings_latest') }}
),

records as (
    select * from {{ ref('int_open_records_latest') }} where rule <> ''
)

select
    records.rule as rule_id,
    coalesce(records.rule_title, records.rule) as rule_title,
    records.rule_mend,
    records.record as record_code,
    records.record_title,
    nullif(records.system_name, '') as source_name,
    sources.source_title,
    units.level_name,
    units.county_code,
    units.county_name,
    units.town_code,
    coalesce(units.counts_as_code, nullif(records.unit_code, '')) as unit_code,
    units.unit_name,
    nullif(records.unit_code, '') as reported_unit_code,
    records.is_backfill,
    {{ duty_in_words('records.is_backfill') }} as duty_name,
    records.band,
    {{ band_in_words('records.band') }} as band_name,
    records.band = 'late' as is_late,
    records.record_count,
    records.first_due_at
from records
left join sources on records.system_name = sources.system_name
left join {{ ref('dim_units_today') }} as units on records.unit_code = units.reported_unit_code
