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
    units.region_code,
    regions.county_code,
    units.parent_unit_code,
    units.valid_from,
    units.valid_to,
    units.successor_code
from placed as units
left join {{ ref('dim_regions') }} as regions on units.region_code = regions.region_code
where units.recency = 1
