{# Counts by group that a regular build does not count anew. A fact's rows of the touched cases count once more as they
   are now (`sign` 1) and once less as the last build left them (`sign` -1; `rows_before` keeps those), and the strategy
   `counted` adds what comes of it to the groups held. Every such table says in `row_count` how many rows stand behind a
   group: one without any is gone. A model says `meta.replaces: counts`, so that after a build that did not end all is
   counted; on Spark it always is. #}
{% macro moved_rows(fact) -%}
{%- set before = ref({
    'fct_cases': 'int_cases_before', 'fct_steps': 'int_steps_before', 'int_case_paths': 'int_paths_before'
}[fact]) -%}
{%- set of_this_run = touched('case_no') -%}
{%- set is_moved_alone = is_incremental() and target.type == 'duckdb' -%}
select *, 1 as sign
    from {{ ref(fact) }}
    {%- if is_moved_alone %}
    {{ of_this_run }}
    union all
    select *, -1 as sign
    from {{ before }}
    {%- endif -%}
{%- endmacro %}

{# The rows of the cases that this run changes, as the last build left a fact, which is why the fact is looked at by name
   and waits for this. Where all is counted anew nobody reads them. #}
{% macro rows_before(fact) -%}
{%- set held = adapter.get_relation('marts' if fact.startswith('fct_') else this.database, this.schema, fact) -%}
{%- set of_this_run, removed = touched_now(), removed_cases() -%}
{%- if held and not flags.FULL_REFRESH -%}
select held.*
from {{ held }} as held
where
    held.case_no in (
        {{ of_this_run }}
        union
        {{ removed }}
    )
{%- else -%}
select cast(null as string) as case_no
where 1 = 0
{%- endif -%}
{%- endmacro %}

{# Counts and sums over the rows of `moved_rows`. #}
{% macro counted(condition='1 = 1') -%}
cast(coalesce(sum(case when {{ condition }} then sign end), 0) as bigint)
{%- endmacro %}

{% macro added(value, type='bigint') -%}
cast(coalesce(sum(case when sign > 0 then {{ value }} else -{{ value }} end), 0) as {{ type }})
{%- endmacro %}
