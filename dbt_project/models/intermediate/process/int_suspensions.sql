{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}
{# What stops a case's clock, as its records have it; nothing here depends on the day of the build. #}
with accepted as (
    select application_no, accepted_at
    from {{ ref('int_acceptances_deduplicated') }}
    where status = '1' {{ touched(and_=true) }}
),

closed as (
    select application_no, closed_at
    from {{ ref('int_closings_deduplicated') }}
    {{ touched() }}
),

notices as (
    select application_no, sequence_no, noticed_at
    from {{ ref('int_supplement_notices_deduplicated') }}
    {{ touched() }}
),

receipts as (
    select application_no, sequence_no, received_at
    from {{ ref('int_supplement_receipts_deduplicated') }}
    {{ touched() }}
),

starts as (
    select application_no, sequence_no, procedure_kind, started_at, limit_value, limit_unit
    from {{ ref('int_special_procedure_starts_deduplicated') }}
    {{ touched() }}
),

results as (
    select application_no, sequence_no, outcome, ended_at
    from {{ ref('int_special_procedure_results_deduplicated') }}
    {{ touched() }}
),

unit_days as (
    {{ unit_days(ref('dim_dates')) }}
),

together as (
    -- 补齐补正没有期限：停到补交为止。
    select
        notices.application_no as case_no,
        'supplement' as suspension_kind,
        notices.sequence_no,
        notices.noticed_at as started_at,
        receipts.received_at as ended_at,
        cast(null as int) as limit_value,
        cast(null as string) as limit_unit,
        false as is_refused
    from notices
    left join receipts
        on notices.application_no = receipts.application_no and notices.sequence_no = receipts.sequence_no
    union all
    select
        starts.application_no as case_no,
        case starts.procedure_kind when 'A' then 'extension' else 'special_procedure' end as suspension_kind,
        starts.sequence_no,
        starts.started_at,
        results.ended_at,
        cast(
            {{ suspension_limit('starts.procedure_kind', 'starts.limit_value', 'starts.limit_unit') }} as int
        ) as limit_value,
        starts.limit_unit,
        {{ is_refused_extension('starts.procedure_kind', 'results.outcome') }} as is_refused
    from starts
    left join results
        on starts.application_no = results.application_no and starts.sequence_no = results.sequence_no
),

judged as (
    select
        together.*,
        accepted.accepted_at,
        closed.closed_at,
        cast(together.started_at as date) as starts_on,
        -- 受理之前的补正告知不停计；特别程序哪一天开始都可以，受理当日及以前本来就不计。
        coalesce(
            accepted.accepted_at is not null
            and (together.suspension_kind <> 'supplement' or together.started_at >= accepted.accepted_at),
            false
        ) as is_after_acceptance,
        coalesce(together.ended_at < together.started_at, false) as is_reversed,
        coalesce(together.started_at > closed.closed_at, false) as is_after_closing
    from together
    left join accepted on together.case_no = accepted.application_no
    left join closed on together.case_no = closed.application_no
    where together.started_at is not null
),

limited as (
    select
        judged.*,
        limits.date_on as limit_ends_on
    from judged
    left join {{ ref('dim_dates') }} as before on {{ add_days('judged.starts_on', -1) }} = before.date_on
    left join unit_days as limits
        on judged.limit_unit = limits.unit
        and judged.limit_value + case judged.limit_unit when 'G' then before.working_day_no when 'Z' then before.day_no end
        = limits.day_no
)

select
    case_no,
    suspension_kind,
    sequence_no,
    started_at,
    ended_at,
    limit_value,
    case when limit_value is not null then limit_unit end as limit_unit,
    is_refused,
    accepted_at,
    closed_at,
    starts_on,
    -- 期限为 0 的延长不停计任何一天。
    case when limit_value = 0 then {{ add_days('starts_on', -1) }} else limit_ends_on end as limit_ends_on,
    is_after_acceptance,
    is_reversed,
    is_after_closing
from limited
