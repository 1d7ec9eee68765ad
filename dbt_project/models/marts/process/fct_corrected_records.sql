{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}
{# Only systems that count their own versions say how often a record was written. #}
with corrected as (
    {% for kind in var('record_kinds') if kind != 'materials' and models_of(kind, var('numbered_sources')) %}
    select
        application_no as case_no,
        '{{ kind }}' as kind,
        _source as source,
        source_record_version as version_count,
        source_written_at as corrected_at
    from {{ ref('int_' ~ kind ~ '_deduplicated') }}
    where source_record_version > 1 and _source in ({{ quoted_list(var('numbered_sources')) }}) {{ touched(and_=true) }}
    union all
    {% endfor %}
    select
        cast(null as string) as case_no,
        cast(null as string) as kind,
        cast(null as string) as source,
        cast(null as int) as version_count,
        cast(null as timestamp) as corrected_at
    where 1 = 0
)

select
    case_no,
    kind,
    source,
    cast(count(*) as int) as record_count,
    cast(sum(version_count) as int) as version_count,
    max(version_count) as most_versions,
    max(corrected_at) as last_corrected_at
from corrected
group by case_no, kind, source
