{# The ways that closed cases really went, the five commonest of each item. #}
with items as (
    select * from {{ ref('board_items') }}
)

select
    paths.item_code,
    items.item_name,
    items.subject_name,
    items.level_name,
    items.county_code,
    items.county_name,
    items.town_code,
    items.unit_code,
    items.unit_name,
    paths.path,
    paths.path_in_words,
    paths.event_count,
    paths.path_rank,
    paths.case_count,
    paths.case_share,
    paths.mean_handling_working_days
from {{ ref('fct_item_paths') }} as paths
inner join items on paths.item_code = items.item_code
where paths.path_rank <= 5
