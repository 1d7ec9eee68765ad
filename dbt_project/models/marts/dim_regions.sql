{{ config(tags=['static']) }}

select
    region_code,
    region_name,
    region_level,
    parent_code,
    county_code,
    is_statutory,
    statutory_code,
    valid_from,
    valid_to
from {{ ref('dim_region_versions') }}
where applies_until = cast('9999-12-31' as date)
