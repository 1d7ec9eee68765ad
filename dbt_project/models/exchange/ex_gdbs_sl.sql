{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with records as (
    select * from {{ ref('int_acceptances_deduplicated') }}
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
        cases.applied_at as ctx_applied_at,
        cases.pre_accepted_at as ctx_pre_accepted_at,
        coalesce(cases.channel_code = '1', false) as ctx_is_online,
        coalesce(cases.has_pre_acceptance, false) as ctx_has_pre_acceptance,
        items.promised_limit as ctx_item_limit,
        items.promised_limit_unit as ctx_item_limit_unit
    from records
    left join cases on records.application_no = cases.case_no
    left join items
        on cases.item_code = items.item_code
        and cast(cases.applied_at as date) >= items.applies_from
        and cast(cases.applied_at as date) < items.applies_until
)

{{ exchange_record('acceptances', 'contexted') }}
