{# A date some whole months later. #}
{% macro later_months(day, months) %}{{ return(adapter.dispatch('later_months')(day, months)) }}{% endmacro %}

{% macro duckdb__later_months(day, months) %}cast({{ day }} + to_months({{ months }}) as date){% endmacro %}

{% macro spark__later_months(day, months) %}add_months({{ day }}, {{ months }}){% endmacro %}
