{# Which items the same applicant needs as well. Privacy floor: a pair of fewer than ten applicants is not shown. #}
{% set floor = 10 %}
with counted as (
    select
        pair_kind,
        item_code,
        other_item_code,
        count(*) as applicant_count
    from {{ ref('int_applicant_pairs') }}
    group by pair_kind, item_code, other_item_code
),

everybody as (
    select cast(coalesce(sum(applicant_count), 0) as bigint) as applicant_count
    from counted
    where pair_kind = 'applies'
),

items as (
    select item_code, applicant_count
    from counted
    where pair_kind = 'needs'
),

pairs as (
    select *
    from counted
    where pair_kind in ('accompanies', 'follows') and applicant_count >= {{ floor }}
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
