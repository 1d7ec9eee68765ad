{# Materials that people handed in although the hall had the e-licence: by month, unit and kind of licence. #}
with repeated as (
    select
        cast(date_trunc('month', applied_at) as date) as month_on,
        unit_code,
        licence_kind,
        cast(count(*) as bigint) as material_count,
        cast(coalesce(count_if(file_kind = 'paper'), 0) as bigint) as paper_count
    from {{ ref('fct_repeated_materials') }}
    where applied_at is not null
    group by cast(date_trunc('month', applied_at) as date), unit_code, licence_kind
),

months as (
    select period_start as month_on, period as month
    from {{ ref('dim_periods') }}
    where period_kind = 'month'
)

select
    months.month,
    repeated.month_on,
    levels.level_name,
    units.county_code,
    counties.region_name as county_name,
    case units.level_code when 'town' then units.region_code end as town_code,
    repeated.unit_code,
    units.unit_name,
    repeated.licence_kind,
    repeated.material_count,
    repeated.paper_count
from repeated
inner join months on repeated.month_on = months.month_on
left join {{ ref('dim_units') }} as units on repeated.unit_code = units.unit_code
left join {{ ref('dim_levels') }} as levels on units.level_code = levels.level_code
left join {{ ref('dim_regions') }} as counties on units.county_code = counties.region_code
