{# Which items the same applicant needs as well. Privacy floor: a pair of fewer than ten applicants is not shown.
   Whoever applied for more than thirty items is an agent, whose items have no more in common than that. #}
{% set floor = 10 %}
{% set most_items = 30 %}
{% set within_days = 90 %}
with firsts as (
    select
        applicants.applicant_key,
        cases.item_code,
        min(cast(cases.applied_at as date)) as first_on
    from {{ ref('fct_cases') }} as cases
    inner join {{ ref('int_case_applicants') }} as applicants on cases.case_no = applicants.case_no
    where applicants.applicant_key is not null and cases.item_code is not null and cases.applied_at is not null
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
),

everybody as (
    select count(*) as applicant_count from applicants
),

items as (
    select item_code, count(*) as applicant_count
    from needed
    group by item_code
),

pairs as (
    select
        earlier.item_code,
        later.item_code as other_item_code,
        case when earlier.first_on = later.first_on then 'accompanies' else 'follows' end as pair_kind,
        count(*) as applicant_count
    from needed as earlier
    inner join needed as later
        on earlier.applicant_key = later.applicant_key
        and earlier.item_code <> later.item_code
        and earlier.first_on <= later.first_on
        and {{ add_days('earlier.first_on', within_days) }} >= later.first_on
    group by
        earlier.item_code,
        later.item_code,
        case when earlier.first_on = later.first_on then 'accompanies' else 'follows' end
    having count(*) >= {{ floor }}
)

select
    pairs.item_code,
    pairs.other_item_code,
    pairs.pair_kind,
    cast(pairs.applicant_count as bigint) as applicant_count,
    cast(pairs.applicant_count as double) / nullif(everybody.applicant_count, 0) as support,
    cast(pairs.applicant_count as double) / nullif(items.applicant_count, 0) as confidence,
    cast(pairs.applicant_count as double) * everybody.applicant_count
    / nullif(cast(items.applicant_count as double) * others.applicant_count, 0) as lift
from pairs
cross join everybody
inner join items on pairs.item_code = items.item_code
inner join items as others on pairs.other_item_code = others.item_code
