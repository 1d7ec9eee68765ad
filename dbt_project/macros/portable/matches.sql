{# Whether a regular expression is found in a text. #}
{% macro matches(text, expression) %}{{ return(adapter.dispatch('matches')(text, expression)) }}{% endmacro %}

{% macro duckdb__matches(text, expression) %}regexp_matches({{ text }}, '{{ expression }}'){% endmacro %}

{% macro spark__matches(text, expression) %}({{ text }} rlike '{{ expression }}'){% endmacro %}
