{# The day by whose departments and regions something is reported: its own, or the one that the whole run restates by. #}
{% macro reported_on(day) -%}
coalesce((select context.units_on from {{ source('run', 'context') }} as context), {{ day }})
{%- endmacro %}

{# Condition of a join to a table of versions (dim_unit_versions, dim_region_versions): the one that holds on a day. #}
{% macro holds_on(versions, day) -%}
{{ day }} >= {{ versions }}.applies_from and {{ day }} < {{ versions }}.applies_until
{%- endmacro %}
