{# touched(): the one way in which an incremental model restricts itself to the cases of this run. A full build has no
   restriction. `and_` joins an existing condition. #}
{% macro touched(column='application_no', and_=false) %}
{%- set of_this_run = touched_now() -%}
{%- if is_incremental() -%}
{{ 'and' if and_ else 'where' }} {{ column }} in (
        {{ of_this_run }}
    )
{%- endif -%}
{% endmacro %}

{# The cases of this run, whatever is asked. The condition holds of all: only where the list has one does DuckDB look the
   list up while it reads the large table, and leaves the other columns of all other rows alone. #}
{% macro touched_now() -%}
select touched.case_no
        from {{ ref('int_touched_cases') }} as touched
        where touched.case_no >= ''
{%- endmacro %}

{# The cases of which rows are gone at their source. Of them an incremental model keeps nothing: this run's staging shows
   all that is left of them, and `touched_strategy` takes away what was. Empty in a full build. #}
{% macro removed_cases() %}select removed.case_no from {{ source('run', 'removed_cases') }} as removed{% endmacro %}

{# Restricts what earlier runs left to the cases that stay. #}
{% macro not_removed(column, and_=false) %}
{{- 'and' if and_ else 'where' }} not exists (select 1 from {{ source('run', 'removed_cases') }} as removed where removed.case_no = {{ column }})
{%- endmacro %}
