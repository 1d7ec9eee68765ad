{{ config(
    materialized='incremental', incremental_strategy='counted', meta={'replaces': 'counts'},
    unique_key=['item_code', 'path', 'event_count']
) }}
{# Closed cases by the way that they have gone. #}
with cases as (
    {{ moved_rows('fct_cases') }}
),

paths as (
    {{ moved_rows('int_case_paths') }}
),

closed as (
    select
        cases.item_code,
        paths.path,
        paths.event_count,
        cases.handling_working_days,
        cases.sign
    from cases
    inner join paths on cases.case_no = paths.case_no and cases.sign = paths.sign
    where cases.closed_at is not null and cases.item_code is not null
)

select
    item_code,
    path,
    event_count,
    {{ added('handling_working_days') }} as handling_working_days,
    {{ counted('handling_working_days is not null') }} as timed_count,
    {{ counted() }} as row_count
from closed
group by item_code, path, event_count
