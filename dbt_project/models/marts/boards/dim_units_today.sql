{{ config(meta={'moves_with': 'day'}) }}
{# What a unit's open business counts for on the day of the build: one that has ended, for its successor. #}
with context as (
    select cast(as_of as date) as as_of_on from {{ source('run', 'context') }}
),

todays as (
    select units.*
    from {{ ref('dim_unit_versions') }} as units
    cross join context
    where {{ holds_on('units', reported_on('context.as_of_on')) }}
)

select
    todays.unit_code as reported_unit_code,
    todays.counts_as_code,
    todays.unit_name,
    todays.level_code,
    levels.level_name,
    todays.region_code,
    todays.county_code,
    counties.region_name as county_name,
    case todays.level_code when 'town' then todays.region_code end as town_code
from todays
left join {{ ref('dim_levels') }} as levels on todays.level_code = levels.level_code
left join {{ ref('dim_regions') }} as counties on todays.county_code = counties.region_code
