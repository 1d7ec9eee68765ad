{{ config(materialized='view') }}
{# A view: every figure's rows are the facts' own, so nothing is written twice. A reader names a metric, and only its own
   part is read. Columns that a grain has not are null. #}
{%- set dimensions = {
    'unit_code': 'unit', 'region_code': 'region', 'level_code': 'level', 'county_code': 'region',
    'person_theme_code': 'theme', 'legal_theme_code': 'theme', 'special_theme_code': 'theme',
    'channel_code': 'channel'
} -%}
{% for definition in definitions_of() -%}
{%- set about = var('metric_grains')[definition.grain] -%}
select
    '{{ definition.code }}' as metric_code,
    '{{ definition.variant }}' as variant,
    '{{ definition.version }}' as definition_version,
    '{{ definition.grain }}' as grain,
    subject,
    {{ about.month or about.from }} as month_on,
    {{ about.until or 'cast(null as date)' }} as until_on,
    {{ about.thing }} as thing,
    {{ (definition.population + definition.numerator) | unique | join(' and ') }} as is_in_numerator,
    {% if definition.adds %}cast({{ definition.adds }} as bigint){% else %}cast(null as bigint){% endif %} as added_value,
    {% for column, scope in dimensions.items() -%}
    {{ column if scope in about.scopes and (column not in ('level_code',) or 'level' in about.scopes) else 'cast(null as string)' }} as {{ column }},
    {% endfor -%}
    {{ about.load or 'cast(null as string)' }} as load_id
from {{ ref(about.fact) }}
where {{ definition.population | join(' and ') }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
