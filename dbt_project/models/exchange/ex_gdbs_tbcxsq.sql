{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with records as (
    select * from {{ ref('int_special_procedure_starts_deduplicated') }}
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
        cases.accepted_at as ctx_accepted_at
    from records
    left join cases on records.application_no = cases.case_no
)

{{ exchange_record('special_procedure_starts', 'contexted') }}
