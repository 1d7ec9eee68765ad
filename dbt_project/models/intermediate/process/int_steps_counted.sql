{% set groups = ['month_on', 'unit_code', 'post_code', 'step_code', 'previous_unit_code', 'previous_post_code', 'is_first'] %}
{{ config(materialized='incremental', incremental_strategy='counted', meta={'replaces': 'counts'}, unique_key=groups) }}
{# Waits are added up twice, as each reader rounds them. #}
with steps as (
    {{ moved_rows('fct_steps') }}
)

select
    cast(date_trunc('month', handled_at) as date) as month_on,
    unit_code,
    post_code,
    step_code,
    previous_unit_code,
    previous_post_code,
    position = 1 as is_first,
    {{ counted('is_repeated') }} as repeated_count,
    {{ counted('is_step_back') }} as step_back_count,
    {{ counted('is_handed_over') }} as handed_over_count,
    {{ counted('waited_working_hours is not null') }} as waited_count,
    {{ added('cast(waited_working_hours as decimal(28, 9))', 'decimal(38, 9)') }} as exact_working_hours,
    {{ added('cast(waited_working_hours as decimal(18, 3))', 'decimal(28, 3)') }} as waited_working_hours,
    {{ counted() }} as row_count
from steps
group by
    cast(date_trunc('month', handled_at) as date), unit_code, post_code, step_code, previous_unit_code,
    previous_post_code, position = 1
