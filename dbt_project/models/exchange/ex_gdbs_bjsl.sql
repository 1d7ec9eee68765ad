{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with records as (
    select * from {{ ref('int_supplement_receipts_deduplicated') }}
    {{ touched() }}
),

cases as (
    select * from {{ ref('int_cases_accumulated') }}
    {{ touched('case_no') }}
),

notices as (
    select application_no, sequence_no, noticed_at from {{ ref('int_supplement_notices_deduplicated') }}
    {{ touched() }}
),

contexted as (
    select
        records.*,
        cases.unit_code as case_unit_code,
        coalesce(cases.has_application, false) as ctx_has_application,
        notices.application_no is not null as ctx_has_supplement_notice,
        notices.noticed_at as ctx_supplement_noticed_at
    from records
    left join cases on records.application_no = cases.case_no
    left join notices on records.application_no = notices.application_no and records.sequence_no = notices.sequence_no
)

{{ exchange_record('supplement_receipts', 'contexted') }}
