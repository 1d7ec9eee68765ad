{{ config(tags=['static']) }}
{# A region's first version holds from the beginning and its last one for ever, so that every day has one. #}
with placed as (
    select
        *,
        lead(valid_from) over (partition by region_code order by valid_from asc nulls first) as next_valid_from,
        row_number() over (partition by region_code order by valid_from asc nulls first) as place
    from {{ ref('regions') }}
)

select
    region_code,
    case when place = 1 then cast('1900-01-01' as date) else valid_from end as applies_from,
    coalesce(next_valid_from, cast('9999-12-31' as date)) as applies_until,
    region_name,
    region_level,
    parent_code,
    case region_level when 'county' then region_code when 'town' then parent_code end as county_code,
    is_statutory,
    coalesce(statutory_code, region_code) as statutory_code,
    valid_from,
    valid_to
from placed
