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
{%- set target_relation, temp_relation = arguments['target_relation'], arguments['temp_relation'] -%}
{%- set is_latest = target_relation.identifier.endswith('_latest') -%}
{%- set is_whole = is_latest and run_query(shown_whole(target_relation.identifier)).rows | length > 0 -%}
{% if is_whole -%}
{# Of a kind that is shown whole nearly every row is what it was: the same row of the same load stays where it is. #}
{%- set same_row = same_key(keys + ['_source', '_load_id', '_row_hash'], 'held', 'fresh') -%}
delete from {{ target_relation }} as held
where not exists (select 1 from {{ temp_relation }} as fresh where {{ same_row }});
delete from {{ temp_relation }} as fresh
using {{ target_relation }} as held
where {{ same_row }};
{% elif replaces -%}
{%- set touched_keys = {
    'owners': ['int_touched_identities', ['identity_key']],
    'persons': ['int_touched_persons', ['identity_key']],
    'changed_records': ['int_changed_records', ['owner_role', 'record_key']],
    'licences': ['int_touched_licences', ['licence_key']],
}[replaces] -%}
delete from {{ target_relation }} as held
using (select distinct {{ touched_keys[1] | join(', ') }} from {{ ref(touched_keys[0]) }}) as fresh
where {% for key in keys %}{{ 'and ' if not loop.first }}held.{{ key }} = fresh.{{ touched_keys[1][loop.index0] }} {% endfor %};
{% else -%}
delete from {{ target_relation }} as held
using (select distinct {{ keys | join(', ') }} from {{ temp_relation }}) as fresh
where {% for key in keys %}{{ 'and ' if not loop.first }}held.{{ key }} is not distinct from fresh.{{ key }} {% endfor %};
{% endif -%}
{% if not is_latest -%}
{% for name in arguments['dest_columns'] | map(attribute='name') if name in ('case_no', 'application_no') -%}
delete from {{ target_relation }}
where {{ name }} in ({{ removed_cases() }});
{% endfor -%}
{% endif -%}
insert into {{ target_relation }} ({{ columns }})
select {{ columns }} from {{ temp_relation }}
{% endmacro %}

{% macro spark__touched_sql(arguments) %}
{{ get_insert_overwrite_sql(arguments['temp_relation'], arguments['target_relation'], none) }}
{% endmacro %}

{# How a table of counts takes in what this run changes of them (macros/records/counted.sql): counts are added up group by
   group, and a group behind which no row is left goes. On Spark all was counted anew. #}
{% macro get_incremental_counted_sql(arguments) %}{{ return(adapter.dispatch('counted_sql')(arguments)) }}{% endmacro %}

{% macro duckdb__counted_sql(arguments) %}
{%- set names = arguments['dest_columns'] | map(attribute='name') | list -%}
{%- set keys = arguments['unique_key'] -%}
{%- set target_relation, temp_relation = arguments['target_relation'], arguments['temp_relation'] -%}
update {{ target_relation }} as held
set {% for name in names if name not in keys %}{{ name }} = held.{{ name }} + fresh.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
from {{ temp_relation }} as fresh
where {{ same_key(keys, 'held', 'fresh') }};
insert into {{ target_relation }} ({{ names | join(', ') }})
select fresh.{{ names | join(', fresh.') }}
from {{ temp_relation }} as fresh
left join {{ target_relation }} as held on {{ same_key(keys, 'fresh', 'held') }}
where held.row_count is null;
delete from {{ target_relation }}
where row_count = 0
{% endmacro %}

{% macro spark__counted_sql(arguments) %}{{ spark__touched_sql(arguments) }}{% endmacro %}
