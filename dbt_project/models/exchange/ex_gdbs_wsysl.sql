{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with records as (
    select * from {{ ref('int_pre_acceptances_deduplicated') }}
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
        cases.applied_at as ctx_applied_at
    from records
    left join cases on records.application_no = cases.case_no
)

{{ exchange_record('pre_acceptances', 'contexted') }}
