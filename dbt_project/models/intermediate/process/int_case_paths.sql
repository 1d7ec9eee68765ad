{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}
{# Each case's events in one value, put into order row by row: a sort over all events of all cases would cost more than
   everything else. Events of one moment stand in the order of the stages. #}
with cases as (
    select
        case_no,
        applied_at,
        pre_accepted_at,
        accepted_at,
        acceptance_status,
        closed_at,
        collected_at
    from {{ ref('int_cases_accumulated') }}
    where has_application {{ touched('case_no', and_=true) }}
),

steps as (
    select
        application_no,
        {{ collected_events('handled_at', '5', "concat('step_', coalesce(step_code, ''))") }} as events
    from {{ ref('int_approval_steps_deduplicated') }}
    {{ touched() }}
    group by application_no
),

supplements as (
    select
        application_no,
        {{ collected_events('happened_at', 'place', 'activity') }} as events
    from (
        select application_no, noticed_at as happened_at, 3 as place, 'supplement_noticed' as activity
        from {{ ref('int_supplement_notices_deduplicated') }}
        {{ touched() }}
        union all
        select application_no, received_at as happened_at, 4 as place, 'supplement_received' as activity
        from {{ ref('int_supplement_receipts_deduplicated') }}
        {{ touched() }}
        union all
        select application_no, started_at as happened_at, 6 as place, 'special_procedure_started' as activity
        from {{ ref('int_special_procedure_starts_deduplicated') }}
        {{ touched() }}
        union all
        select application_no, ended_at as happened_at, 7 as place, 'special_procedure_ended' as activity
        from {{ ref('int_special_procedure_results_deduplicated') }}
        {{ touched() }}
    ) as those
    group by application_no
),

ordered as (
    select
        cases.case_no,
        {{ ordered_path(
            [
                event('cases.applied_at', '0', "'applied'"),
                event('cases.pre_accepted_at', '1', "'pre_accepted'"),
                event('cases.accepted_at', '2', "case cases.acceptance_status when '2' then 'refused' else 'accepted' end"),
                event('cases.closed_at', '8', "'closed'"),
                event('cases.collected_at', '9', "'collected'"),
            ],
            ['steps.events', 'supplements.events'],
        ) }} as path
    from cases
    left join steps on cases.case_no = steps.application_no
    left join supplements on cases.case_no = supplements.application_no
)

select
    case_no,
    path,
    cast(case when path = '' then 0 else length(path) - length(replace(path, '>', '')) + 1 end as int) as event_count
from ordered
-- what they were before is kept first: {{ ref('int_paths_before') }}
