-- Where the catalogue's periods of two versions overlap, the later version counts from its own first day on.
with versions as (
    select * from {{ ref('int_item_versions') }}
),

followed as (
    select
        *,
        lead(coalesce(valid_from, cast('1900-01-01' as date))) over (
            partition by item_code
            order by valid_from asc nulls first, item_version asc
        ) as next_valid_from,
        row_number() over (
            partition by item_code
            order by valid_from desc nulls last, item_version desc
        ) as recency
    from versions
)

select
    item_code,
    item_version,
    item_name,
    parent_item_code,
    subject,
    unit_code,
    region_code,
    is_settled,
    is_online,
    online_depth,
    visit_limit,
    promised_limit,
    promised_limit_unit,
    statutory_limit,
    statutory_limit_unit,
    is_immediate,
    person_theme_code,
    legal_theme_code,
    special_theme_code,
    valid_from,
    valid_to,
    source_written_at,
    coalesce(is_online and online_depth >= 3 and visit_limit <= 1, false) as is_full_online,
    coalesce(valid_from, cast('1900-01-01' as date)) as applies_from,
    least(
        coalesce(valid_to, cast('9999-12-31' as date)),
        coalesce(next_valid_from, cast('9999-12-31' as date))
    ) as applies_until,
    recency = 1 as is_latest
from followed
