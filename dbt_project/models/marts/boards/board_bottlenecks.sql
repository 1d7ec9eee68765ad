{# Where an item's cases wait: each approval step, the longest of an item marked. #}
with items as (
    select * from {{ ref('board_items') }}
)

select
    steps.item_code,
    items.item_name,
    items.subject_name,
    items.level_name,
    items.county_code,
    items.county_name,
    items.town_code,
    items.unit_code,
    items.unit_name,
    steps.step_code,
    {{ step_in_words('steps.step_code') }} as step_name,
    steps.step_count,
    steps.repeated_count,
    steps.step_back_count,
    steps.handed_over_count,
    steps.mean_waited_working_hours,
    steps.median_waited_working_hours,
    steps.p95_waited_working_hours,
    steps.is_bottleneck
from {{ ref('fct_item_steps') }} as steps
inner join items on steps.item_code = items.item_code
