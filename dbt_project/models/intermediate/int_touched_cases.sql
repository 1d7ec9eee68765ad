{{ config(materialized='table', meta={'moves_with': 'news'}) }}
{# The cases that this run must compute anew: those with a new row of any kind, those of a changed item, and in the
   exchange lane those in a neighbourhood of the context columns that an application entered or left. No others, so that
   DuckDB knows how few they are and looks for them in the large tables, not the other way round. #}
{% set held = adapter.get_relation(this.database, this.schema, this.identifier) %}
{% set kinds = var('record_kinds') %}
with touched_now as (
    {% if held and not flags.FULL_REFRESH %}
    {% for kind in kinds if kind != 'materials' %}
    select application_no as case_no from ({{ staged_rows(kind, [['application_no', 'string']]) }}) as {{ kind }}
    union all
    {% endfor %}
    select applications.application_no as case_no
    from {{ ref('int_applications_deduplicated') }} as applications
    inner join {{ ref('int_changed_items') }} as changed on applications.item_code = changed.item_code
    {% for name in var('neighbourhoods') if name in named_neighbourhoods() and target.name == 'exchange' %}
    union all
    {{ neighbours_touched(name) }}
    {% endfor %}
    {% else %}
    select application_no as case_no from {{ ref('int_applications_deduplicated') }}
    {% for kind in kinds if kind not in ('materials', 'applications') %}
    union all
    select {{ kind }}.application_no as case_no
    from {{ ref('int_' ~ kind ~ '_deduplicated') }} as {{ kind }}
    left join {{ ref('int_applications_deduplicated') }} as applications
        on {{ kind }}.application_no = applications.application_no
    where applications.application_no is null
    {% endfor %}
    {% endif %}
)

select distinct case_no
from touched_now
where case_no is not null
-- depends_on: {{ ref('int_changed_items') }}
{% for kind in kinds if kind != 'materials' -%}
-- depends_on: {{ ref('int_' ~ kind ~ '_deduplicated') }}
{% for model in var('staged').get(kind, []) -%}
-- depends_on: {{ ref(model) }}
{% endfor %}
{%- endfor %}
