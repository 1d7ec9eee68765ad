{# Where an item's cases wait (瓶颈环节): the step whose middle wait in working time is the longest. #}
with steps as (
    select
        item_code,
        step_code,
        waited_working_hours,
        is_repeated,
        is_step_back,
        is_handed_over
    from {{ ref('fct_steps') }}
    where item_code is not null and step_code is not null
),

waited as (
    select
        item_code,
        step_code,
        cast(count(*) as bigint) as step_count,
        cast(count_if(is_repeated) as bigint) as repeated_count,
        cast(count_if(is_step_back) as bigint) as step_back_count,
        cast(count_if(is_handed_over) as bigint) as handed_over_count,
        {{ mean('waited_working_hours') }} as mean_waited_working_hours,
        percentile_cont(0.5) within group (order by waited_working_hours) as median_waited_working_hours,
        percentile_cont(0.95) within group (order by waited_working_hours) as p95_waited_working_hours
    from steps
    group by item_code, step_code
)

select
    item_code,
    step_code,
    step_count,
    repeated_count,
    step_back_count,
    handed_over_count,
    mean_waited_working_hours,
    median_waited_working_hours,
    p95_waited_working_hours,
    coalesce(
        median_waited_working_hours = max(median_waited_working_hours) over (partition by item_code)
        and median_waited_working_hours > 0, false
    ) as is_bottleneck
from waited
