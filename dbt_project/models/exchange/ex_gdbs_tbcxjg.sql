{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with records as (
    select * from {{ ref('int_special_procedure_results_deduplicated') }}
    {{ touched() }}
),

cases as (
    select * from {{ ref('int_cases_accumulated') }}
    {{ touched('case_no') }}
),

starts as (
    select application_no, sequence_no, started_at from {{ ref('int_special_procedure_starts_deduplicated') }}
    {{ touched() }}
),

contexted as (
    select
        records.*,
        cases.unit_code as case_unit_code,
        coalesce(cases.has_application, false) as ctx_has_application,
        starts.application_no is not null as ctx_has_special_start,
        starts.started_at as ctx_special_started_at
    from records
    left join cases on records.application_no = cases.case_no
    left join starts on records.application_no = starts.application_no and records.sequence_no = starts.sequence_no
)

{{ exchange_record('special_procedure_results', 'contexted') }}
