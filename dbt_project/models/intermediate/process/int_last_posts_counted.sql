{{ config(
    materialized='incremental', incremental_strategy='counted', meta={'replaces': 'counts'},
    unique_key=['month_on', 'unit_code', 'post_code']
) }}
{# Closed cases by the post that handled them last. #}
with steps as (
    {{ moved_rows('fct_steps') }}
),

last_steps as (
    select
        case_no,
        sign,
        max_by(unit_code, position) as unit_code,
        max_by(post_code, position) as post_code
    from steps
    where handled_at is not null and post_code is not null
    group by case_no, sign
),

cases as (
    {{ moved_rows('fct_cases') }}
),

closed as (
    select
        cases.closed_month as month_on,
        last_steps.unit_code,
        last_steps.post_code,
        cases.is_closed_on_time,
        cases.sign
    from cases
    inner join last_steps on cases.case_no = last_steps.case_no and cases.sign = last_steps.sign
    where cases.is_business_volume and cases.is_closed_on_time is not null
)

select
    month_on,
    unit_code,
    post_code,
    {{ counted('not is_closed_on_time') }} as closed_late_count,
    {{ counted() }} as row_count
from closed
group by month_on, unit_code, post_code
