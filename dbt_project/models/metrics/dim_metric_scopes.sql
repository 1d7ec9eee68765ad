{{ config(tags=['static']) }}

{% for grain in var('metric_grains') -%}
{%- set last_grain = loop.last -%}
{%- for kind, code, condition in scopes(grain) -%}
select
    '{{ grain }}' as grain,
    '{{ kind }}' as scope_kind,
    '{{ code | replace("'", "''") }}' as code_expression,
    '{{ condition | replace("'", "''") }}' as scope_condition
{% if not (loop.last and last_grain) %}union all{% endif %}
{% endfor %}
{%- endfor %}
