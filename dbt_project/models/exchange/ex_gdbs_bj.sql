{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with records as (
    select * from {{ ref('int_closings_deduplicated') }}
    {{ touched() }}
),

cases as (
    select * from {{ ref('int_cases_accumulated') }}
    {{ touched('case_no') }}
),

items as (
    select * from {{ ref('int_items_effective') }}
),

contexted as (
    select
        records.*,
        cases.unit_code as case_unit_code,
        coalesce(cases.has_application, false) as ctx_has_application,
        coalesce(cases.has_acceptance, false) as ctx_has_acceptance,
        coalesce(cases.acceptance_status = '2', false) as ctx_is_refused,
        coalesce(cases.step_count > 0, false) as ctx_has_approval_step,
        coalesce(items.is_immediate, false) as ctx_item_is_immediate,
        case when items.is_immediate then cases.accepted_at + interval '1' day end as ctx_immediate_until,
        cases.accepted_at as ctx_accepted_at,
        cases.last_step_at as ctx_last_approval_at,
        cases.applied_at as ctx_applied_at
    from records
    left join cases on records.application_no = cases.case_no
    left join items
        on cases.item_code = items.item_code
        and cast(cases.applied_at as date) >= items.applies_from
        and cast(cases.applied_at as date) < items.applies_until
)

{{ exchange_record('closings', 'contexted') }}
