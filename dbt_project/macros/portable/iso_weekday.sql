{# 1 Monday … 7 Sunday. #}
{% macro iso_weekday(day) %}{{ return(adapter.dispatch('iso_weekday')(day)) }}{% endmacro %}

{% macro duckdb__iso_weekday(day) %}cast(isodow({{ day }}) as int){% endmacro %}

{% macro spark__iso_weekday(day) %}cast(weekday({{ day }}) + 1 as int){% endmacro %}
