{{ config(tags=['static']) }}
{# As each unit was declared last; what it counts as on a day is in dim_unit_versions. #}
with placed as (
    select
        *,
        row_number() over (partition by unit_code order by valid_from desc nulls last) as recency
    from {{ ref('units') }}
)

select
    units.unit_code,
    units.unit_name,
    units.level_code,
    levels.level_name,
    units.region_code,
    regions.county_code,
    counties.region_name as county_name,
    case units.level_code when 'town' then units.region_code end as town_code,
    units.parent_unit_code,
    units.valid_from,
    units.valid_to,
    units.successor_code
from placed as units
left join {{ ref('dim_regions') }} as regions on units.region_code = regions.region_code
left join {{ ref('dim_regions') }} as counties on regions.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on units.level_code = levels.level_code
where units.recency = 1
