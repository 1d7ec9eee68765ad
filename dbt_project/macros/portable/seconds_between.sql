{# How many whole seconds a moment lies after another; negative where it lies before. #}
{% macro seconds_between(first, last) %}{{ return(adapter.dispatch('seconds_between')(first, last)) }}{% endmacro %}

{% macro duckdb__seconds_between(first, last) %}(epoch_us({{ last }}) - epoch_us({{ first }})) // 1000000{% endmacro %}

{% macro spark__seconds_between(first, last) %}(unix_seconds(cast({{ last }} as timestamp)) - unix_seconds(cast({{ first }} as timestamp))){% endmacro %}
