{# E-licences by the month of issue: new and converted, on the day of the paper one or not. #}
with issued as (
    select
        cast(date_trunc('month', issued_at) as date) as month_on,
        unit_code,
        county_code,
        cast(count(*) as bigint) as issued_count,
        cast(coalesce(count_if(issue_way = 'converted'), 0) as bigint) as converted_count,
        cast(coalesce(count_if(is_in_step is not null), 0) as bigint) as judged_count,
        cast(coalesce(count_if(is_in_step), 0) as bigint) as in_step_count,
        cast(coalesce(sum(use_count), 0) as bigint) as use_count
    from {{ ref('fct_licences') }}
    where issued_at is not null
    group by cast(date_trunc('month', issued_at) as date), unit_code, county_code
)

select
    months.period as month,
    issued.month_on,
    units.level_name,
    issued.county_code,
    counties.region_name as county_name,
    units.town_code,
    issued.unit_code,
    units.unit_name,
    issued.issued_count,
    issued.converted_count,
    issued.judged_count,
    issued.in_step_count,
    issued.use_count
from issued
inner join {{ ref('dim_periods') }} as months on months.period_kind = 'month' and issued.month_on = months.period_start
left join {{ ref('dim_units') }} as units on issued.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on issued.county_code = counties.region_code
