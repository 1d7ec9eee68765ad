{# How many days a date lies after another; negative where it lies before. #}
{% macro days_between(first, last) %}{{ return(adapter.dispatch('days_between')(first, last)) }}{% endmacro %}

{% macro duckdb__days_between(first, last) %}date_diff('day', {{ first }}, {{ last }}){% endmacro %}

{% macro spark__days_between(first, last) %}datediff({{ last }}, {{ first }}){% endmacro %}
