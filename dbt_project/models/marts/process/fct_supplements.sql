{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}

with notices as (
    select application_no as case_no, sequence_no, noticed_at
    from {{ ref('int_supplement_notices_deduplicated') }}
    {{ touched() }}
),

receipts as (
    select application_no as case_no, sequence_no, received_at, place
    from {{ ref('int_supplement_receipts_deduplicated') }}
    {{ touched() }}
),

cases as (
    select
        case_no,
        item_code,
        unit_code,
        applied_at,
        accepted_at,
        acceptance_status,
        closing_result
    from {{ ref('int_cases_accumulated') }}
    where has_application {{ touched('case_no', and_=true) }}
),

dates as (
    select date_on, working_day_no from {{ ref('dim_dates') }}
)

select
    notices.case_no,
    notices.sequence_no,
    cases.item_code,
    cases.unit_code,
    notices.noticed_at,
    receipts.received_at,
    case
        when receipts.received_at is null then null
        when {{ is_hall('receipts.place') }} then 'hall'
        else 'online'
    end as handed_in_at_kind,
    coalesce(notices.noticed_at < cases.accepted_at or cases.acceptance_status is null, false) as is_before_acceptance,
    receipts.received_at is null and coalesce(cases.closing_result = '5', false) as is_abandoned,
    cast(noticed.working_day_no - applied.working_day_no as int) as noticed_after_working_days,
    case
        when receipts.received_at >= notices.noticed_at
            then cast(received.working_day_no - noticed.working_day_no as int)
    end as handed_in_after_working_days
from notices
inner join cases on notices.case_no = cases.case_no
left join receipts on notices.case_no = receipts.case_no and notices.sequence_no = receipts.sequence_no
left join dates as applied on cast(cases.applied_at as date) = applied.date_on
left join dates as noticed on cast(notices.noticed_at as date) = noticed.date_on
left join dates as received on cast(receipts.received_at as date) = received.date_on
