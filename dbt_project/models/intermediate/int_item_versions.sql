{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['item_code', 'item_version']) }}
{% set columns = item_columns() + item_lineage() %}
{% set names = columns | map('first') | join(', ') %}
-- depends_on: {{ ref('int_changed_items') }}
with arrived as (
    {{ staged_rows('items', columns) }}
),

{% if is_incremental() %}
together as (
    select {{ names }} from arrived
    union all
    select {% for name, type in columns %}held.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ this }} as held
    inner join (select distinct item_code, item_version from arrived) as fresh
        on held.item_code = fresh.item_code and held.item_version = fresh.item_version
),
{% else %}
together as (
    select * from arrived
),
{% endif %}

ranked as (
    select
        *,
        row_number() over (
            partition by item_code, item_version
            order by
                source_written_at desc nulls last,
                _loaded_at desc nulls last,
                _row_hash desc nulls last,
                _load_id desc nulls last
        ) as place
    from together
)

select {{ names }}
from ranked
where place = 1
