{# One column of dates from `first` to `last`, both included, a `step` ('day' or 'month') apart; use in a select list. #}
{% macro date_series(first, last, step) %}{{ return(adapter.dispatch('date_series')(first, last, step)) }}{% endmacro %}

{% macro duckdb__date_series(first, last, step) %}cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 {{ step }})) as date){% endmacro %}

{% macro spark__date_series(first, last, step) %}explode(sequence({{ first }}, {{ last }}, interval 1 {{ step }})){% endmacro %}
