{{ config(
    materialized='incremental', incremental_strategy='touched', unique_key=['applicant_key'], meta={'replaces': 'owners'}
) }}
{# What each applicant tells of items that are needed together: one row for himself, one for each item, one for each pair,
   so that all is counted in one pass. Whoever applied for more than thirty items is an agent, whose items have no more in
   common than that, and tells nothing. #}
{% set most_items = 30 %}
{% set within_days = 90 %}
with firsts as (
    select
        applicants.applicant_key,
        cases.item_code,
        min(cast(cases.applied_at as date)) as first_on
    from {{ ref('fct_cases') }} as cases
    inner join {{ ref('int_case_applicants') }} as applicants on cases.case_no = applicants.case_no
    where
        applicants.applicant_key is not null and cases.item_code is not null and cases.applied_at is not null
        {{ touched_owners('applicants.applicant_key', and_=true) }}
    group by applicants.applicant_key, cases.item_code
),

applicants as (
    select applicant_key
    from firsts
    group by applicant_key
    having count(*) <= {{ most_items }}
),

needed as (
    select firsts.*
    from firsts
    inner join applicants on firsts.applicant_key = applicants.applicant_key
)

select
    applicant_key,
    'applies' as pair_kind,
    cast(null as string) as item_code,
    cast(null as string) as other_item_code
from applicants
union all
select
    applicant_key,
    'needs' as pair_kind,
    item_code,
    cast(null as string) as other_item_code
from needed
union all
select
    earlier.applicant_key,
    case when earlier.first_on = later.first_on then 'accompanies' else 'follows' end as pair_kind,
    earlier.item_code,
    later.item_code as other_item_code
from needed as earlier
inner join needed as later
    on earlier.applicant_key = later.applicant_key
    and earlier.item_code <> later.item_code
    and earlier.first_on <= later.first_on
    and {{ add_days('earlier.first_on', within_days) }} >= later.first_on
