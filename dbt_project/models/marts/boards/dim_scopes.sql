{# Whose figure a figure is, in words, and how wide that is: what a chart that asks for no scope shows is the widest that
   its reader's rights and choices leave. #}
with regions as (
    select * from {{ ref('dim_regions') }}
),

levels as (
    select * from {{ ref('dim_levels') }}
),

every as (
    select
        'city' as scope_kind,
        region_code as scope_code,
        0 as breadth,
        region_name as scope_name,
        cast(null as string) as level_code,
        cast(null as string) as county_code,
        cast(null as string) as town_code,
        cast(null as string) as unit_code,
        cast(null as string) as unit_name,
        cast(null as string) as theme_name
    from regions
    where region_code = '{{ var('division') }}'
    union all
    select
        'level' as scope_kind,
        level_code as scope_code,
        sort_order as breadth,
        level_name as scope_name,
        level_code,
        cast(null as string) as county_code,
        cast(null as string) as town_code,
        cast(null as string) as unit_code,
        cast(null as string) as unit_name,
        cast(null as string) as theme_name
    from levels
    union all
    select
        'region' as scope_kind,
        region_code as scope_code,
        case region_level when 'county' then 10 else 11 end as breadth,
        region_name as scope_name,
        region_level as level_code,
        county_code,
        case region_level when 'town' then region_code end as town_code,
        cast(null as string) as unit_code,
        cast(null as string) as unit_name,
        cast(null as string) as theme_name
    from regions
    where region_level in ('county', 'town')
    union all
    select
        'unit' as scope_kind,
        unit_code as scope_code,
        12 as breadth,
        unit_name as scope_name,
        level_code,
        county_code,
        town_code,
        unit_code,
        unit_name,
        cast(null as string) as theme_name
    from {{ ref('dim_units') }}
    union all
    select
        'theme' as scope_kind,
        theme_code as scope_code,
        13 as breadth,
        theme_name as scope_name,
        cast(null as string) as level_code,
        cast(null as string) as county_code,
        cast(null as string) as town_code,
        cast(null as string) as unit_code,
        cast(null as string) as unit_name,
        theme_name
    from {{ ref('dim_themes') }}
)

select
    every.scope_kind,
    every.scope_code,
    cast(every.breadth as int) as breadth,
    every.scope_name,
    levels.level_name,
    every.county_code,
    counties.region_name as county_name,
    every.town_code,
    every.unit_code,
    every.unit_name,
    every.theme_name
from every
left join levels on every.level_code = levels.level_code
left join regions as counties on every.county_code = counties.region_code
