{# Approval steps by the month and the unit that they were handled in: how often, how long they waited in working time, how
   often they came again. Durations add up as decimals, so that the order of rows does not matter. #}
with steps as (
    select
        month_on,
        unit_code,
        step_code,
        cast(sum(row_count) as bigint) as step_count,
        cast(sum(repeated_count) as bigint) as repeated_count,
        cast(sum(step_back_count) as bigint) as step_back_count,
        cast(sum(handed_over_count) as bigint) as handed_over_count,
        cast(sum(waited_count) as bigint) as waited_count,
        cast(case when sum(waited_count) > 0 then sum(waited_working_hours) end as decimal(28, 3)) as waited_working_hours
    from {{ ref('int_steps_counted') }}
    where month_on is not null
    group by month_on, unit_code, step_code
)

select
    months.period as month,
    steps.month_on,
    units.level_name,
    units.county_code,
    units.county_name,
    units.town_code,
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
inner join {{ ref('dim_periods') }} as months on months.period_kind = 'month' and steps.month_on = months.period_start
left join {{ ref('dim_units') }} as units on steps.unit_code = units.unit_code
