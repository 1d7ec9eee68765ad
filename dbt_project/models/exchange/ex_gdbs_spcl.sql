{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with records as (
    select * from {{ ref('int_approval_steps_deduplicated') }}
    {{ touched() }}
),

cases as (
    select * from {{ ref('int_cases_accumulated') }}
    {{ touched('case_no') }}
),

contexted as (
    select
        records.*,
        cases.unit_code as case_unit_code,
        coalesce(cases.has_application, false) as ctx_has_application,
        cases.accepted_at as ctx_accepted_at,
        case records.step_code when '2' then cases.last_undertaken_at when '3' then greatest(cases.last_undertaken_at, cases.last_reviewed_at) end as ctx_lower_step_at
    from records
    left join cases on records.application_no = cases.case_no
)

{{ exchange_record('approval_steps', 'contexted') }}
