{{ config(
    materialized='incremental', incremental_strategy='touched', unique_key=['applicant_key'], meta={'replaces': 'owners'}
) }}
{# 「少跑」按事项版本所报的到现场次数减去实测次数计，只计业务量中次数明确的办件；实测多于所报的计 0。 #}
with applicants as (
    select case_no, applicant_kind, applicant_key
    from {{ ref('int_case_applicants') }}
    where applicant_kind in ('person', 'legal_person') {{ touched_owners('applicant_key', and_=true) }}
),

cases as (
    select
        applicants.applicant_kind,
        applicants.applicant_key,
        coalesce(
            case applicants.applicant_kind when 'person' then cases.person_theme_code else cases.legal_theme_code end,
            'unknown'
        ) as theme_code,
        cases.channel_code,
        cases.applied_at,
        cases.closed_at,
        cases.is_business_volume,
        cases.visit_count,
        case
            when cases.is_business_volume and cases.visit_count < items.visit_limit
                then items.visit_limit - cases.visit_count
            else 0
        end as visits_saved
    from {{ ref('fct_cases') }} as cases
    inner join applicants on cases.case_no = applicants.case_no
    left join {{ ref('int_items_effective') }} as items
        on cases.item_code = items.item_code and cases.item_version = items.item_version
)

select
    applicant_kind,
    applicant_key,
    theme_code,
    cast(count(*) as int) as case_count,
    cast(count_if(channel_code = '1') as int) as online_count,
    cast(count_if(channel_code = '0') as int) as window_count,
    cast(count_if(channel_code not in ('0', '1')) as int) as other_channel_count,
    cast(count(closed_at) as int) as closed_count,
    cast(count_if(is_business_volume) as int) as business_volume,
    cast(coalesce(sum(visit_count), 0) as int) as visit_count,
    cast(count_if(visit_count is null) as int) as visits_unknown_count,
    cast(sum(visits_saved) as int) as visits_saved,
    min(applied_at) as first_applied_at,
    max(applied_at) as last_applied_at
from cases
group by applicant_kind, applicant_key, theme_code
