{{ config(tags=['static']) }}

select
    region_code,
    region_name,
    region_level,
    parent_code,
    case region_level when 'county' then region_code when 'town' then parent_code end as county_code,
    is_statutory,
    coalesce(statutory_code, region_code) as statutory_code,
    valid_from,
    valid_to
from {{ ref('regions') }}
