{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name == 'exchange'),
    unique_key=['kind', 'record_key', '_source']
) }}
{# What each system says of a record, in the cases of which more than one system reports records of the kind: a hash of
   its newest row. What earlier runs left is looked up by name, as it was before this run. #}
-- depends_on: {{ ref('int_record_versions') }}
{% set lineage = lineage_columns() | map('first') | list %}
{% set kept = ['kind', 'record_key', 'case_no', 'content_hash'] + lineage %}
with reported as (
    {% for kind in var('record_kinds') if kind != 'materials' and sources_of(kind) | length > 1 %}
    {% set columns = columns_of(kind) %}
    {% set held = adapter.get_relation(this.database, this.schema, 'int_' ~ kind ~ '_deduplicated') %}
    {% set earlier = is_incremental() and held %}
    {% set shared = reported_by_several(kind, held if earlier else none, this) %}
    select '{{ kind }}' as kind, {{ record_key(kind) }} as record_key, application_no as case_no, {{ hash_of(fields_of(kind)) }} as content_hash, {{ lineage | join(', ') }}
    from ({{ staged_rows(kind, columns) }}) as staged
    where application_no in ({{ shared }})
    union all
    {% if earlier %}
    select '{{ kind }}' as kind, {{ record_key(kind) }} as record_key, application_no as case_no, {{ hash_of(fields_of(kind)) }} as content_hash, {{ lineage | join(', ') }}
    from {{ held }} as held
    where
        held.application_no in ({{ shared }}) {{ not_removed('held.application_no', and_=true) }}
        and held.application_no in (select staged.application_no from ({{ staged_rows(kind, [['application_no', 'string']]) }}) as staged)
    union all
    {% endif %}
    {% endfor %}
    {% if is_incremental() %}
    select {% for name in kept %}before.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ this }} as before
    {{ not_removed('before.case_no') }} and before.case_no in (
        {% for kind in var('record_kinds') if kind != 'materials' and sources_of(kind) | length > 1 %}
        select application_no from ({{ staged_rows(kind, [['application_no', 'string']]) }}) as staged
        union
        {% endfor %}
        select cast(null as string) as application_no
    )
    {% else %}
    select
        cast(null as string) as kind,
        cast(null as string) as record_key,
        cast(null as string) as case_no,
        cast(null as string) as content_hash,
        {% for name, type in lineage_columns() %}cast(null as {{ type }}) as {{ name }}{{ ', ' if not loop.last }}{% endfor %}
    where 1 = 0
    {% endif %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by kind, record_key, _source
            order by
                source_record_version desc nulls last,
                source_written_at desc nulls last,
                _loaded_at desc nulls last,
                _row_hash desc nulls last,
                _load_id desc nulls last
        ) as place
    from reported
)

select {{ kept | join(', ') }}
from ranked
where place = 1
