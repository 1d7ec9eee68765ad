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
)

select
    months.period as month,
    repeated.month_on,
    units.level_name,
    units.county_code,
    units.county_name,
    units.town_code,
    repeated.unit_code,
    units.unit_name,
    repeated.licence_kind,
    repeated.material_count,
    repeated.paper_count
from repeated
inner join {{ ref('dim_periods') }} as months on months.period_kind = 'month' and repeated.month_on = months.period_start
left join {{ ref('dim_units') }} as units on repeated.unit_code = units.unit_code
