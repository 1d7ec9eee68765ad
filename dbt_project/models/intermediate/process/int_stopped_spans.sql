{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}
with suspensions as (
    select *
    from {{ ref('int_suspensions') }}
    {{ touched('case_no') }}
),

stopped as (
    {{ stops('suspensions') }}
),

spans as (
    {{ stopped_spans('stopped') }}
)

select case_no, starts_on, runs_until
from spans
