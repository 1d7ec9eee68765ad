{# Whole days from one date or moment's day to another's; negative where the second is earlier. #}
{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between')(earlier, later)) }}{% endmacro %}

{% macro duckdb__days_between(earlier, later) %}date_diff('day', cast({{ earlier }} as date), cast({{ later }} as date)){% endmacro %}

{% macro spark__days_between(earlier, later) %}datediff(cast({{ later }} as date), cast({{ earlier }} as date)){% endmacro %}
