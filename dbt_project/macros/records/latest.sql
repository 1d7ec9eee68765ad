{# One row per key of a kind of record that is no part of a case (licences, accounts, registers …): the newest version,
   without rows that are gone at their source. `columns`: [column, SQL type] of the kind's staging models; `key`: some of
   them. Of what came at the same moment, which a simulated clock lets happen, `in_order_of_loads` takes the later load of a
   source; without it, any fixed one. Where a row is gone, the run shows all that is left of the whole kind, and nothing of
   what was held stays. #}
{% macro latest(kind, key, columns, in_order_of_loads=false) %}
{%- set lineage = [['_source', 'string'], ['_load_id', 'string'], ['_loaded_at', 'timestamp'], ['_row_hash', 'bigint']] -%}
{%- set wanted = columns + lineage -%}
{%- set names = wanted | map('first') | list -%}
with arrived as (
    {{ staged_rows(kind, wanted, named_by=key[0]) }}
),

together as (
    select {{ names | join(', ') }} from arrived
    {% if is_incremental() -%}
    union all
    select {% for name in names %}held.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ this }} as held
    inner join (select distinct {{ key | join(', ') }} from arrived) as fresh on {{ same_key(key, 'held', 'fresh') }}
    where not exists ({{ shown_whole(this.identifier) }})
    {%- endif %}
),

ranked as (
    select
        {{ names | join(', ') }},
        row_number() over (
            partition by {{ key | join(', ') }}
            order by
                {% if 'source_written_at' in names %}source_written_at desc nulls last,{% endif %}
                {% if '_file_date' in names %}_file_date desc nulls last,{% endif %}
                _loaded_at desc nulls last,
                {% if in_order_of_loads %}length(_load_id) desc nulls last, _load_id desc nulls last,{% endif %}
                _row_hash desc nulls last,
                _load_id desc nulls last
        ) as place
    from together
)

select {{ names | join(', ') }}
from ranked
where place = 1
{% endmacro %}

{# Whether this run shows a kind whole, because rows of it are gone at their source. Empty in a full build. #}
{% macro shown_whole(model_name) %}select 1 from {{ source('run', 'whole_kinds') }} as whole where whole.model_name = '{{ model_name }}'{% endmacro %}
