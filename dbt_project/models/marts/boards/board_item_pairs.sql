{# What is done together with what, in words. #}
with items as (
    select
        those.item_code,
        those.item_name,
        those.unit_code,
        units.unit_name,
        units.county_code,
        units.town_code
    from {{ ref('dim_items') }} as those
    left join {{ ref('dim_units') }} as units on those.unit_code = units.unit_code
    where those.is_latest
)

select
    pairs.item_code,
    pairs.other_item_code,
    pairs.pair_kind,
    items.item_name,
    items.unit_name,
    items.unit_code,
    items.county_code,
    items.town_code,
    others.item_name as other_item_name,
    others.unit_name as other_unit_name,
    case pairs.pair_kind when 'accompanies' then '同日' else '其后 90 天内' end as pair_kind_name,
    pairs.applicant_count,
    pairs.support,
    pairs.confidence,
    pairs.lift
from {{ ref('item_pairs') }} as pairs
left join items on pairs.item_code = items.item_code
left join items as others on pairs.other_item_code = others.item_code
