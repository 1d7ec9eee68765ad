{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}
{# Everything that a later stage of a case needs to know of its other stages, narrow: exchange context and facts both
   read it. Orphans (stages without an application) are rows with has_application = false. #}
with cases as (
    select case_no
    from {{ ref('int_touched_cases') }}
    {{ touched('case_no') }}
),

applications as (
    select
        application_no,
        _source,
        item_code,
        unit_code,
        region_code,
        applicant_type,
        channel,
        nullif(origin_application_no, '') as origin_case_no,
        station_name,
        applied_at,
        case_month
    from {{ ref('int_applications_deduplicated') }}
    {{ touched() }}
),

pre_acceptances as (
    select application_no, pre_accepted_at, status
    from {{ ref('int_pre_acceptances_deduplicated') }}
    {{ touched() }}
),

acceptances as (
    select application_no, accepted_at, status, limit_value, limit_unit, declared_due_at
    from {{ ref('int_acceptances_deduplicated') }}
    {{ touched() }}
),

steps as (
    select
        application_no,
        min(handled_at) as first_step_at,
        max(handled_at) as last_step_at,
        max(case when step_code = '1' then handled_at end) as last_undertaken_at,
        max(case when step_code = '2' then handled_at end) as last_reviewed_at,
        cast(count(*) as int) as step_count
    from {{ ref('int_approval_steps_deduplicated') }}
    {{ touched() }}
    group by application_no
),

notices as (
    select application_no, cast(count(*) as int) as supplement_count
    from {{ ref('int_supplement_notices_deduplicated') }}
    {{ touched() }}
    group by application_no
),

special_procedures as (
    select application_no, cast(count(*) as int) as special_procedure_count
    from {{ ref('int_special_procedure_starts_deduplicated') }}
    {{ touched() }}
    group by application_no
),

closings as (
    select application_no, closed_at, result
    from {{ ref('int_closings_deduplicated') }}
    {{ touched() }}
),

collections as (
    select
        application_no,
        collected_at,
        collection_method,
        region_code,
        cast(collected_at as date) as collected_on
    from {{ ref('int_collections_deduplicated') }}
    {{ touched() }}
),

-- 到现场补交：有具体地点且不是网上。
handed_in as (
    select distinct
        application_no,
        cast(received_at as date) as visited_on,
        region_code,
        place
    from {{ ref('int_supplement_receipts_deduplicated') }}
    where {{ is_hall('place') }} {{ touched(and_=true) }}
),

-- 有到现场补交的办件很少：只有它们需要把各次到场（日期、大厅）摆在一起数。
presences as (
    select
        application_no,
        visited_on,
        region_code,
        place
    from handed_in
    union
    select
        applications.application_no,
        cast(applications.applied_at as date) as visited_on,
        applications.region_code,
        coalesce(applications.station_name, '') as place
    from applications
    inner join (select distinct application_no from handed_in) as those
        on applications.application_no = those.application_no
    where applications.channel = '0'
),

collected_apart as (
    select distinct collections.application_no
    from collections
    inner join (select distinct application_no from handed_in) as those
        on collections.application_no = those.application_no
    left join presences
        on collections.application_no = presences.application_no
        and collections.collected_on = presences.visited_on
        and coalesce(collections.region_code = presences.region_code, true)
    where collections.collection_method = '0' and presences.application_no is null
),

counted as (
    select application_no, count(*) as presence_count
    from presences
    group by application_no
),

many_visits as (
    select
        counted.application_no,
        cast(
            counted.presence_count + case when collected_apart.application_no is null then 0 else 1 end as int
        ) as visit_count
    from counted
    left join collected_apart on counted.application_no = collected_apart.application_no
)

select
    cases.case_no,
    applications.application_no is not null as has_application,
    applications._source as source,
    applications.item_code,
    applications.unit_code,
    applications.region_code,
    applications.applicant_type,
    case when applications.channel in ({{ known_channels() }}) then applications.channel else 'unknown' end as channel_code,
    case when applications.origin_case_no <> cases.case_no then applications.origin_case_no end as origin_case_no,
    applications.applied_at,
    applications.case_month,
    pre_acceptances.application_no is not null as has_pre_acceptance,
    pre_acceptances.pre_accepted_at,
    pre_acceptances.status as pre_acceptance_status,
    acceptances.application_no is not null as has_acceptance,
    acceptances.accepted_at,
    acceptances.status as acceptance_status,
    acceptances.limit_value,
    acceptances.limit_unit,
    acceptances.declared_due_at,
    steps.first_step_at,
    steps.last_step_at,
    steps.last_undertaken_at,
    steps.last_reviewed_at,
    coalesce(steps.step_count, 0) as step_count,
    coalesce(notices.supplement_count, 0) as supplement_count,
    coalesce(special_procedures.special_procedure_count, 0) as special_procedure_count,
    closings.application_no is not null as has_closing,
    closings.closed_at,
    closings.result as closing_result,
    collections.application_no is not null as has_collection,
    collections.collected_at,
    collections.collection_method,
    case
        when applications.application_no is null then null
        -- how the applicant came is not known
        when applications.channel is null or applications.channel not in ('0', '1', '8') then null
        -- something was issued or collected, and nobody knows how
        when collections.application_no is null and closings.result = '0' then null
        when
            collections.application_no is not null
            and (collections.collection_method is null or collections.collection_method not in ('0', '1', '8')) then null
        when many_visits.application_no is not null then many_visits.visit_count
        when
            applications.channel = '0'
            and collections.collection_method = '0'
            and (
                -- 领取登记没有地点，只有区划：在另一个区划领取，就是另一个大厅。
                coalesce(collections.region_code <> applications.region_code, false)
                or cast(applications.applied_at as date) is distinct from collections.collected_on
            ) then 2
        when applications.channel = '0' or collections.collection_method = '0' then 1
        else 0
    end as visit_count
from cases
left join applications on cases.case_no = applications.application_no
left join pre_acceptances on cases.case_no = pre_acceptances.application_no
left join acceptances on cases.case_no = acceptances.application_no
left join steps on cases.case_no = steps.application_no
left join notices on cases.case_no = notices.application_no
left join special_procedures on cases.case_no = special_procedures.application_no
left join closings on cases.case_no = closings.application_no
left join collections on cases.case_no = collections.application_no
left join many_visits on cases.case_no = many_visits.application_no
