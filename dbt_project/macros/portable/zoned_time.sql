{# A text with its offset from UTC (2011-10-11 13:42:22.688000+02:00) as a naive timestamp of `zone`; null where it has
   no such shape: a time without its offset would silently be taken as one of the session's zone. #}
{% macro zoned_time(text, zone) %}
case when {{ matches(text, ' [0-9:.]+[+-][0-9]{2}(:?[0-9]{2})?$') }} then {{ adapter.dispatch('zoned_time')(text, zone) }} end
{%- endmacro %}

{% macro duckdb__zoned_time(text, zone) %}try_cast({{ text }} as timestamptz) at time zone '{{ zone }}'{% endmacro %}

{% macro spark__zoned_time(text, zone) %}convert_timezone('{{ zone }}', try_cast({{ text }} as timestamp_ltz)){% endmacro %}
