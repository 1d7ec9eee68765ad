{# The metric definitions one by one, each with its metric's code and the prefix of its columns (m1, m2 …); with `grain`
   only those of that grain. #}
{% macro definitions_of(grain=none) %}
{%- set found = [] -%}
{%- for metric in var('metric_definitions') -%}
{%- for definition in metric['definitions'] -%}
{%- set one = {
    'prefix': 'm' ~ loop.index ~ '_' ~ metric['code'],
    'code': metric['code'], 'name': metric['name'], 'kind': metric['kind'], 'better': metric['better'],
    'target': metric['target'], 'grain': definition.get('grain', metric['grain']),
    'adds': none, 'reference': none, 'limit': metric.get('limit'),
} -%}
{%- do one.update(definition) -%}
{%- do one.update({'grain': definition.get('grain', metric['grain'])}) -%}
{%- do one.update({'only': metric.get('subject')}) -%}
{%- do one.update({'subject': metric.get('subject', var('metric_grains')[one['grain']]['subjects'][0])}) -%}
{%- if grain is none or one['grain'] == grain -%}{%- do found.append(one) -%}{%- endif -%}
{%- endfor -%}
{%- endfor -%}
{{ return(found) }}
{% endmacro %}

{# The names of a definition's counts, in the order of the columns everywhere. #}
{% macro count_names() %}{{ return(['numerator', 'denominator', 'unknown_count', 'abandoned_count']) }}{% endmacro %}

{# A column name for each count of each definition of a grain. #}
{% macro count_columns(grain) %}
{%- set names = [] -%}
{%- for definition in definitions_of(grain) -%}
{%- for count in count_names() -%}{%- do names.append(definition['prefix'] ~ '_' ~ count) -%}{%- endfor -%}
{%- endfor -%}
{{ return(names) }}
{% endmacro %}

{# Aggregates of the fact's flags: each definition's counts, exactly as it words them. A count has no denominator. `signed`:
   over the rows of `moved_rows`. #}
{% macro definition_counts(grain, signed=false) %}
{%- for definition in definitions_of(grain) -%}
{%- set outer = loop -%}
{%- set population = definition['population'] -%}
{%- set flags = {
    'numerator': population + definition['numerator'],
    'denominator': population if definition['kind'] in ('share', 'mean') else [],
    'unknown_count': population + definition['unknown'] if definition['unknown'] else [],
    'abandoned_count': population + definition['abandoned'] if definition['abandoned'] else []
} -%}
{%- for count in count_names() %}
        {% if count == 'numerator' and definition['adds'] and signed -%}
        {{ added('case when ' ~ population | join(' and ') ~ ' then ' ~ definition['adds'] ~ ' end') }}
        {%- elif count == 'numerator' and definition['adds'] -%}
        cast(coalesce(sum(case when {{ population | join(' and ') }} then {{ definition['adds'] }} end), 0) as bigint)
        {%- elif flags[count] and signed -%}
        {{ counted(flags[count] | unique | join(' and ')) }}
        {%- elif flags[count] -%}
        cast(count_if({{ flags[count] | unique | join(' and ') }}) as bigint)
        {%- else -%}
        cast(0 as bigint)
        {%- endif %} as {{ definition['prefix'] }}_{{ count }}{{ ',' if not (loop.last and outer.last) }}
{%- endfor -%}
{%- endfor %}
{%- endmacro %}

{# Sums of the counts again. #}
{% macro summed_counts(grain, sign='') %}
{%- for name in count_columns(grain) %}
        cast(sum({{ sign }}{{ name }}) as bigint) as {{ name }}{{ ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# The scopes that a row of a grain belongs to, as [kind, code expression, condition]. A county is its own units with its
   towns'; a town is also a region of its own. Where the site itself is a county (a district with towns), its own figures
   are the city's. #}
{% macro scopes(grain) %}
{%- set every = [
    ['city', "'" ~ var('division') ~ "'", '1 = 1'],
    ['level', "'municipal'", "level_code = 'municipal'"],
    ['level', "'county'", "level_code in ('county', 'town')"],
    ['level', "'town'", "level_code = 'town'"],
    ['region', 'county_code', "county_code <> '" ~ var('division') ~ "'"],
    ['region', 'region_code', 'region_code <> county_code'],
    ['unit', 'unit_code', 'unit_code is not null'],
    ['theme', 'person_theme_code', 'person_theme_code is not null'],
    ['theme', 'legal_theme_code', 'legal_theme_code is not null'],
    ['theme', 'special_theme_code', 'special_theme_code is not null'],
    ['channel', 'channel_code', '1 = 1']
] -%}
{%- set found = [] -%}
{%- for scope in every if scope[0] in var('metric_grains')[grain]['scopes'] -%}{%- do found.append(scope) -%}{%- endfor -%}
{{ return(found) }}
{% endmacro %}

{# What to group by for a scope: one whose code is a constant needs no column. #}
{% macro scope_group(kind, code) %}{{ code if kind not in ('city', 'level') else 'scope_kind' }}{% endmacro %}
