{# How an incremental model takes in its recomputed rows: on DuckDB the touched keys are replaced, null keys too;
   on Spark the touched partitions are overwritten. Of the removed cases, and of a kind that is shown whole, nothing stays
   but what was recomputed. A model whose rows may go without any new one of their key names in `meta.replaces` a list of
   this run that has all keys to be replaced. #}
{% macro get_incremental_touched_sql(arguments) %}{{ return(adapter.dispatch('touched_sql')(arguments)) }}{% endmacro %}

{% macro duckdb__touched_sql(arguments) %}
{%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
{%- set keys = arguments['unique_key'] -%}
{%- set keys = [keys] if keys is string else keys -%}
{%- set replaces = config.get('meta', {}).get('replaces') -%}
{% if replaces -%}
{%- set touched_keys = {
    'owners': ['int_touched_identities', ['identity_key']],
    'persons': ['int_touched_persons', ['identity_key']],
    'changed_records': ['int_changed_records', ['owner_role', 'record_key']],
    'licences': ['int_touched_licences', ['licence_key']],
}[replaces] -%}
delete from {{ arguments['target_relation'] }} as held
using (select distinct {{ touched_keys[1] | join(', ') }} from {{ ref(touched_keys[0]) }}) as fresh
where {% for key in keys %}{{ 'and ' if not loop.first }}held.{{ key }} = fresh.{{ touched_keys[1][loop.index0] }} {% endfor %};
{% else -%}
delete from {{ arguments['target_relation'] }} as held
using (select distinct {{ keys | join(', ') }} from {{ arguments['temp_relation'] }}) as fresh
where {% for key in keys %}{{ 'and ' if not loop.first }}held.{{ key }} is not distinct from fresh.{{ key }} {% endfor %};
{% endif -%}
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
