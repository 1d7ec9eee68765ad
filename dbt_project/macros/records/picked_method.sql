{# The column of the method that a row has chosen: forecasts, or with a suffix what is known of them. #}
{% macro picked_method(rows, method, methods, suffix='') -%}
case {{ method }} {% for name in methods %}when '{{ name }}' then {{ rows }}.{{ name }}{{ suffix }} {% endfor %}end
{%- endmacro %}
