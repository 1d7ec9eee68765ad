{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name == 'exchange'),
    unique_key=['kind', 'record_key', '_source']
) }}
{# What each system says of a record, in the cases of which more than one system reports records of the kind: a hash of
   its newest row. What earlier runs left is looked up by name, as it was before this run. #}
-- depends_on: {{ ref('int_record_versions') }}
{% set lineage = lineage_columns() | map('first') | list %}
{% set kept = ['kind', 'record_key', 'case_no', 'content_hash'] + lineage %}
{% set kinds = [] %}
{% set held_of = {} %}
{% for kind in var('record_kinds') if kind != 'materials' and sources_of(kind) | length > 1 %}
{% do kinds.append(kind) %}
{% do held_of.update({kind: adapter.get_relation(this.database, this.schema, 'int_' ~ kind ~ '_deduplicated')}) %}
{% endfor %}
with
{% if is_incremental() %}
{# Each view of the staging is planned once a mention, and there are hundreds: what a run brings is few rows, and is
   named once. All there is must not be held in memory so. #}
{% for kind in kinds %}
staged_{{ kind }} as (
    {{ staged_rows(kind, columns_of(kind)) }}
),

shared_{{ kind }} as (
    {{ now_reported_by_several(kind, 'staged_' ~ kind, held_of[kind], this) }}
),

{% endfor %}
{% endif %}
reported as (
    {% for kind in kinds %}
    {% set told %}select '{{ kind }}' as kind, {{ record_key(kind) }} as record_key, application_no as case_no, {{ hash_of(fields_of(kind)) }} as content_hash, {{ lineage | join(', ') }}{% endset %}
    {% if is_incremental() %}
    {{ told }}
    from staged_{{ kind }}
    where application_no in (select shared.application_no from shared_{{ kind }} as shared)
    union all
    {% if held_of[kind] %}
    {{ told }}
    from {{ held_of[kind] }} as held
    where
        held.application_no in (select shared.application_no from shared_{{ kind }} as shared) {{ not_removed('held.application_no', and_=true) }}
        and held.application_no in (select staged.application_no from staged_{{ kind }} as staged)
    union all
    {% endif %}
    {% else %}
    {{ told }}
    from ({{ staged_rows(kind, columns_of(kind)) }}) as staged
    where application_no in ({{ reported_by_several(kind) }})
    union all
    {% endif %}
    {% endfor %}
    {% if is_incremental() %}
    select {% for name in kept %}before.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ this }} as before
    {{ not_removed('before.case_no') }} and before.case_no in (
        {% for kind in kinds %}
        select staged.application_no from staged_{{ kind }} as staged
        union all
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
