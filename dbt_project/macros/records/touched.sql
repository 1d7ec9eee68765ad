{# touched(): the one way in which an incremental model restricts itself to the cases of this run. A full build has no
   restriction. `and_` joins an existing condition. #}
{% macro touched(column='application_no', and_=false) %}
{%- set touched_cases = ref('int_touched_cases') -%}
{%- set context = source('run', 'context') -%}
{%- if is_incremental() -%}
{{ 'and' if and_ else 'where' }} {{ column }} in (
        select touched.case_no
        from {{ touched_cases }} as touched
        where touched.run_no = (select context.run_no from {{ context }} as context)
    )
{%- endif -%}
{% endmacro %}
