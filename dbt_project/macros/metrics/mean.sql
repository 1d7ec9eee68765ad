{# The mean as exact arithmetic: a sum of doubles depends on the order of its rows, and a regular build's is another than
   a full one's. #}
{% macro mean(value) -%}
cast(sum(cast({{ value }} as decimal(28, 9))) / nullif(count({{ value }}), 0) as double)
{%- endmacro %}
