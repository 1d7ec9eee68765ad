{# How an incremental model takes in its recomputed rows: on DuckDB the touched keys are replaced, null keys too;
   on Spark the touched partitions are overwritten. Of the removed cases, and of a kind that is shown whole, nothing stays
   but what was recomputed. #}
{% macro get_incremental_touched_sql(arguments) %}{{ return(adapter.dispatch('touched_sql')(arguments)) }}{% endmacro %}

{% macro duckdb__touched_sql(arguments) %}
{%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
{%- set keys = arguments['unique_key'] -%}
{%- set keys = [keys] if keys is string else keys -%}
delete from {{ arguments['target_relation'] }} as held
using (select distinct {{ keys | join(', ') }} from {{ arguments['temp_relation'] }}) as fresh
where {% for key in keys %}{{ 'and ' if not loop.first }}held.{{ key }} is not distinct from fresh.{{ key }} {% endfor %};
{% if arguments['target_relation'].identifier.endswith('_latest') -%}
delete from {{ arguments['target_relation'] }}
where exists ({{ shown_whole(arguments['target_relation'].identifier) }});
{% else -%}
{% for name in arguments['dest_columns'] | map(attribute='name') if name in ('case_no', 'application_no') -%}
delete from {{ arguments['target_relation'] }}
where {{ name }} in ({{ removed_cases() }});
{% endfor -%}
{% endif -%}
insert into {{ arguments['target_relation'] }} ({{ columns }})
select {{ columns }} from {{ arguments['temp_relation'] }}
{% endmacro %}

{% macro spark__touched_sql(arguments) %}
{{ get_insert_overwrite_sql(arguments['temp_relation'], arguments['target_relation'], none) }}
{% endmacro %}
