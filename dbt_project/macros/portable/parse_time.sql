{# A text as a timestamp; null where it does not have exactly the shape of `pattern` (Java letters). #}
{% macro parse_time(text, pattern) %}{{ return(adapter.dispatch('parse_time')(text, pattern)) }}{% endmacro %}

{% macro duckdb__parse_time(text, pattern) %}
{%- set c = pattern.replace('yyyy', '%Y').replace('MM', '%m').replace('dd', '%d').replace('HH', '%H').replace('mm', '%M').replace('ss', '%S') -%}
try_strptime({{ text }}, '{{ c }}')
{%- endmacro %}

{% macro spark__parse_time(text, pattern) %}try_to_timestamp({{ text }}, '{{ pattern }}'){% endmacro %}
