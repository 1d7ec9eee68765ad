{# A date or timestamp as text, `pattern` in Java letters. #}
{% macro format_time(moment, pattern) %}{{ return(adapter.dispatch('format_time')(moment, pattern)) }}{% endmacro %}

{% macro duckdb__format_time(moment, pattern) %}
{%- set c = pattern.replace('yyyy', '%Y').replace('MM', '%m').replace('dd', '%d').replace('HH', '%H').replace('mm', '%M').replace('ss', '%S') -%}
strftime({{ moment }}, '{{ c }}')
{%- endmacro %}

{% macro spark__format_time(moment, pattern) %}date_format({{ moment }}, '{{ pattern }}'){% endmacro %}
