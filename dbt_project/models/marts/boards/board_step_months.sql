{# Approval steps by the month and the unit that they were handled in: how often, how long they waited in working time, how
   often they came again. Durations add up as decimals, so that the order of rows does not matter. #}
with steps as (
    select
        cast(date_trunc('month', handled_at) as date) as month_on,
        unit_code,
        step_code,
        cast(count(*) as bigint) as step_count,
        cast(coalesce(count_if(is_repeated), 0) as bigint) as repeated_count,
        cast(coalesce(count_if(is_step_back), 0) as bigint) as step_back_count,
        cast(coalesce(count_if(is_handed_over), 0) as bigint) as handed_over_count,
        cast(count(waited_working_hours) as bigint) as waited_count,
        cast(sum(cast(waited_working_hours as decimal(18, 3))) as decimal(28, 3)) as waited_working_hours
    from {{ ref('fct_steps') }}
    where handled_at is not null
    group by cast(date_trunc('month', handled_at) as date), unit_code, step_code
),

months as (
    select period_start as month_on, period as month
    from {{ ref('dim_periods') }}
    where period_kind = 'month'
)

select
    months.month,
    steps.month_on,
    levels.level_name,
    units.county_code,
    counties.region_name as county_name,
    case units.level_code when 'town' then units.region_code end as town_code,
    steps.unit_code,
    units.unit_name,
    steps.step_code,
    {{ step_in_words('steps.step_code') }} as step_name,
    steps.step_count,
    steps.repeated_count,
    steps.step_back_count,
    steps.handed_over_count,
    steps.waited_count,
    steps.waited_working_hours
from steps
inner join months on steps.month_on = months.month_on
left join {{ ref('dim_units') }} as units on steps.unit_code = units.unit_code
left join {{ ref('dim_levels') }} as levels on units.level_code = levels.level_code
left join {{ ref('dim_regions') }} as counties on units.county_code = counties.region_code
