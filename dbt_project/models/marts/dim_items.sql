with parents as (
    select distinct parent_item_code
    from {{ ref('int_items_effective') }}
    where parent_item_code is not null
)

select
    items.item_code,
    items.item_version,
    items.item_name,
    items.parent_item_code,
    parents.parent_item_code is not null as is_parent,
    items.subject,
    items.unit_code,
    items.region_code,
    items.is_settled,
    items.is_online,
    items.online_depth,
    items.visit_limit,
    items.promised_limit,
    items.promised_limit_unit,
    items.statutory_limit,
    items.statutory_limit_unit,
    items.is_immediate,
    items.person_theme_code,
    items.legal_theme_code,
    items.special_theme_code,
    items.is_full_online,
    items.valid_from,
    items.valid_to,
    items.applies_from,
    items.applies_until,
    items.is_latest,
    items.source_written_at as written_at
from {{ ref('int_items_effective') }} as items
left join parents on items.item_code = parents.parent_item_code
