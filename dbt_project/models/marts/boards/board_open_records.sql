{# Records of the exchange that have not come to their end: how they stand, by whom, and how much of the 12 hours is left
   as of the landing. #}
with sources as (
    select system_name, source_title from {{ ref('int_source_standings_latest') }}
),

records as (
    select * from {{ ref('int_open_records_latest') }} where rule = ''
)

select
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
    records.standing,
    {{ standing_in_words('records.standing') }} as standing_name,
    nullif(records.receipt_code, '') as receipt_code,
    {{ receipt_in_words('records.receipt_code') }} as receipt_name,
    records.is_backfill,
    {{ duty_in_words('records.is_backfill') }} as duty_name,
    records.band,
    {{ band_in_words('records.band') }} as band_name,
    records.band = 'late' as is_late,
    records.standing in ('blocked', 'new', 'sent', 'retry') as is_in_flight,
    records.record_count,
    records.first_due_at
from records
left join sources on records.system_name = sources.system_name
left join {{ ref('dim_units_today') }} as units on records.unit_code = units.reported_unit_code
