{{ config(tags=['static']) }}

select
    units.unit_code,
    units.unit_name,
    units.level_code,
    units.region_code,
    regions.county_code,
    units.parent_unit_code
from {{ ref('units') }} as units
left join {{ ref('dim_regions') }} as regions on units.region_code = regions.region_code
