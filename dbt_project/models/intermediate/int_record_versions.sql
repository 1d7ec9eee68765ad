{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name == 'exchange'),
    unique_key=['kind', 'record_key', '_source', 'source_record_version']
) }}
{# Which of its own version numbers a source that counts them has shown, in the cases in which it has corrected a record
   of the kind. What earlier runs left is looked up by name, as it was before this run. #}
{% set source_names = quoted_list(var('numbered_sources')) %}
{% set systems = adapter.get_relation(this.database, this.schema, 'int_record_systems') %}
with shown as (
    {% for kind in var('record_kinds') if kind != 'materials' and models_of(kind, var('numbered_sources')) %}
    {% set columns = key_columns(kind) + [['source_record_version', 'int'], ['_source', 'string']] %}
    {% set staged = staged_rows(kind, columns, models_of(kind, var('numbered_sources'))) %}
    {% set held = adapter.get_relation(this.database, this.schema, 'int_' ~ kind ~ '_deduplicated') %}
    {% set earlier = is_incremental() and held %}
    select '{{ kind }}' as kind, {{ record_key(kind) }} as record_key, application_no as case_no, _source, source_record_version
    from ({{ staged }}) as staged
    where
        application_no in (select corrected.application_no from ({{ staged }}) as corrected where corrected.source_record_version > 1)
        {% if earlier %}or application_no in (select before.case_no from {{ this }} as before where before.kind = '{{ kind }}' {{ not_removed('before.case_no', and_=true) }}){% endif %}
    {% if earlier %}
    union all
    select '{{ kind }}' as kind, {{ record_key(kind) }} as record_key, application_no as case_no, _source, source_record_version
    from {{ held }} as held
    where
        _source in ({{ source_names }}) {{ not_removed('held.application_no', and_=true) }}
        and application_no in (select corrected.application_no from ({{ staged }}) as corrected where corrected.source_record_version > 1)
    {% if systems %}
    union all
    select kind, record_key, case_no, _source, source_record_version
    from {{ systems }} as systems
    where
        kind = '{{ kind }}' {{ not_removed('systems.case_no', and_=true) }}
        and _source in ({{ source_names }})
        and case_no in (select corrected.application_no from ({{ staged }}) as corrected where corrected.source_record_version > 1)
    {% endif %}
    {% endif %}
    union all
    {% endfor %}
    select
        cast(null as string) as kind,
        cast(null as string) as record_key,
        cast(null as string) as case_no,
        cast(null as string) as _source,
        cast(null as int) as source_record_version
    where 1 = 0
)

select distinct kind, record_key, case_no, _source, source_record_version
from shown
where source_record_version is not null
