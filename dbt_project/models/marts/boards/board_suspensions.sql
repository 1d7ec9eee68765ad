{# What stopped the clocks, by the month in which it began. #}
with stops as (
    select
        cast(date_trunc('month', held.started_at) as date) as month_on,
        held.suspension_kind,
        cases.unit_code,
        cases.region_code,
        cases.level_code,
        cases.county_code,
        held.is_counted,
        held.is_open_ended,
        held.is_ended_beyond_limit,
        held.is_begun_overdue,
        held.ended_at,
        held.stopped_working_days
    from {{ ref('fct_suspensions') }} as held
    inner join {{ ref('fct_cases') }} as cases on held.case_no = cases.case_no
    where held.started_at is not null
),

counted as (
    select
        month_on,
        suspension_kind,
        unit_code,
        region_code,
        level_code,
        county_code,
        cast(count(*) as bigint) as suspension_count,
        cast(count_if(is_counted) as bigint) as counted_count,
        cast(count_if(is_counted and ended_at is null) as bigint) as running_count,
        cast(count_if(is_open_ended) as bigint) as open_ended_count,
        cast(count_if(is_ended_beyond_limit) as bigint) as beyond_limit_count,
        cast(count_if(is_begun_overdue) as bigint) as begun_overdue_count,
        cast(count(stopped_working_days) as bigint) as measured_count,
        cast(coalesce(sum(stopped_working_days), 0) as bigint) as stopped_working_days
    from stops
    group by month_on, suspension_kind, unit_code, region_code, level_code, county_code
)

select
    {{ format_time('counted.month_on', 'yyyy-MM') }} as month,
    counted.month_on,
    counted.suspension_kind,
    {{ suspension_in_words('counted.suspension_kind') }} as suspension_name,
    levels.level_name,
    counted.county_code,
    counties.region_name as county_name,
    case counted.level_code when 'town' then counted.region_code end as town_code,
    counted.unit_code,
    units.unit_name,
    counted.region_code,
    counted.suspension_count,
    counted.counted_count,
    counted.running_count,
    counted.open_ended_count,
    counted.beyond_limit_count,
    counted.begun_overdue_count,
    counted.measured_count,
    counted.stopped_working_days
from counted
left join {{ ref('dim_units') }} as units on counted.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on counted.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on counted.level_code = levels.level_code
