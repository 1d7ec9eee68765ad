{{ config(meta={'moves_with': 'day'}) }}
{# Key by key the reconciliation knows which records are missing; here are its counts. A day is declared when it is over. #}
with context as (
    select cast(as_of as date) as as_of_on from {{ source('run', 'context') }}
),

sources as (
    select system_name, source_title from {{ ref('int_source_standings_latest') }}
),

days as (
    select
        held.*,
        case when held.business_on < context.as_of_on then held.declared_count end as over_declared_count
    from {{ ref('int_stop_days_latest') }} as held
    cross join context
)

select
    days.business_on,
    {{ format_time('days.business_on', 'yyyy-MM') }} as month,
    days.record as record_code,
    days.record_title,
    nullif(days.system_name, '') as source_name,
    sources.source_title,
    units.level_name,
    units.county_code,
    units.county_name,
    units.town_code,
    coalesce(units.counts_as_code, nullif(days.unit_code, '')) as unit_code,
    units.unit_name,
    nullif(days.unit_code, '') as reported_unit_code,
    days.declared_count,
    case when days.over_declared_count is not null then days.landed_count end as landed_of_declared_count,
    days.landed_count,
    days.cut_count,
    days.acknowledged_count,
    days.read_back_count,
    days.landed_count - days.over_declared_count as landed_beyond_declared_count,
    days.landed_count - days.cut_count as landed_not_cut_count,
    days.cut_count - days.acknowledged_count as cut_not_acknowledged_count,
    days.read_back_count - days.acknowledged_count as read_back_beyond_acknowledged_count,
    coalesce(days.over_declared_count <> days.landed_count, false)
    or days.landed_count <> days.cut_count
    or days.acknowledged_count <> days.read_back_count as is_differing,
    days.stands_since
from days
left join sources on days.system_name = sources.system_name
left join {{ ref('dim_units_today') }} as units on days.unit_code = units.reported_unit_code
