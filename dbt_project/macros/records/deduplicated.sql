{# The rows of one kind from all the site's staging models, only the columns asked for. Written out anew wherever it is
   needed: a shared CTE of all columns would be held in memory whole. A row without the number that names its case (or
   its item) belongs to nothing and goes no further than staging; the pull has warned of it. A time in a key counts to the
   second, as on the wire: two rows that only differ below it are one record. `models`: only these of them; `named_by`: the
   column that names what a row belongs to, where it is no case and no item. #}
{% macro staged_rows(kind, columns, models=none, named_by=none) %}
{%- set models = var('staged').get(kind, []) if models is none else models -%}
{%- set key = var('record_kinds')[kind]['key'] if kind in var('record_kinds') else [] -%}
{%- set named_by = named_by or ('item_code' if kind == 'items' else 'application_no') -%}
{%- for model in models %}
        select {% for name, type in columns -%}
            {%- if name in key and type == 'timestamp' -%}
            cast(date_trunc('second', {{ name }}) as timestamp) as {{ name }}
            {%- else -%}
            cast({{ name }} as {{ type }}) as {{ name }}
            {%- endif -%}
            {{ ', ' if not loop.last }}
        {%- endfor %}
        from {{ ref(model) }}
        where cast({{ named_by }} as string) <> ''
        {% if not loop.last %}union all{% endif %}
{%- else %}
        select {% for name, type in columns %}cast(null as {{ type }}) as {{ name }}{{ ', ' if not loop.last }}{% endfor %}
        where 1 = 0
{%- endfor %}
{%- endmacro %}

{# The sources that stage a kind. #}
{% macro sources_of(kind) %}
{%- set found = [] -%}
{%- for model in var('staged').get(kind, []) -%}
{%- set name = model[4:].split('__')[0] -%}
{%- if name not in found -%}{%- do found.append(name) -%}{%- endif -%}
{%- endfor -%}
{{ return(found) }}
{% endmacro %}

{# The staging models of a kind that are of these sources. #}
{% macro models_of(kind, sources) %}
{%- set found = [] -%}
{%- for model in var('staged').get(kind, []) if model[4:].split('__')[0] in sources -%}{%- do found.append(model) -%}{%- endfor -%}
{{ return(found) }}
{% endmacro %}

{# [column, SQL type] of a kind's key, and of the number that names its case. #}
{% macro key_columns(kind) %}
{%- set found = [] -%}
{%- for name, type in columns_of(kind) if name == 'application_no' or name in var('record_kinds')[kind]['key'] -%}{%- do found.append([name, type]) -%}{%- endfor -%}
{{ return(found) }}
{% endmacro %}

{# Texts as a list in SQL; never empty, as SQL wants it. #}
{% macro quoted_list(texts) %}{% for text in texts %}'{{ text }}', {% endfor %}''{% endmacro %}

{# Which of two rows with one key counts: the stronger source, the later version, written later, landed later; the rest
   only makes the order total. #}
{% macro record_order() %}
{%- set sources = var('precedence') -%}
{%- if sources %}case _source{% for source in sources %} when '{{ source }}' then {{ loop.index }}{% endfor %} else {{ sources | length + 1 }} end asc,{% endif %}
            source_record_version desc nulls last,
            source_written_at desc nulls last,
            _loaded_at desc nulls last,
            _row_hash desc nulls last,
            _load_id desc nulls last
{%- endmacro %}

{# The month a record belongs to for ever: the date inside the case number where it is one (29 characters, from 2020
   on 43), otherwise the month of first landing. #}
{% macro case_month(case_no, first_loaded_at) %}
cast(date_trunc('month', coalesce(
            case length({{ case_no }})
                when 29 then try_cast(concat('20', substr({{ case_no }}, 20, 2), '-', substr({{ case_no }}, 22, 2), '-', substr({{ case_no }}, 24, 2)) as date)
                when 43 then try_cast(concat(substr({{ case_no }}, 32, 4), '-', substr({{ case_no }}, 36, 2), '-', substr({{ case_no }}, 38, 2)) as date)
            end,
            cast({{ first_loaded_at }} as date)
        )) as date)
{%- endmacro %}

{% macro same_key(key, left_side, right_side) %}
{%- for name in key %}{{ ' and ' if not loop.first }}{{ left_side }}.{{ name }} is not distinct from {{ right_side }}.{{ name }}{% endfor -%}
{% endmacro %}

{# One row per key of a kind: the row that counts, its `_first_loaded_at` (over all rows of the key) and `case_month`. #}
{% macro deduplicated(kind) %}
{%- set key = var('record_kinds')[kind]['key'] -%}
{%- set columns = columns_of(kind) -%}
{# What these two keep of the rows that do not count, they take from this table as the last run left it. #}
{%- if target.name == 'exchange' %}
-- depends_on: {{ ref('int_record_systems') }}, {{ ref('int_record_versions') }}
{% endif -%}
{%- if is_incremental() -%}
{{ deduplicated_new(kind, key, columns) }}
{%- else -%}
{{ deduplicated_all(kind, key, columns) }}
{%- endif -%}
{% endmacro %}

{# All rows. Nearly every key occurs once, so that only the others go through a sort, and of those only key and order;
   rows that are equal to the last column of the order (the same row twice in one load) take a way of their own, whose
   scan does not run where there are none. #}
{% macro deduplicated_all(kind, key, columns) %}
{%- set narrow = [] -%}
{%- for name, type in columns if name in key or name in (lineage_columns() | map('first') | list) -%}{%- do narrow.append([name, type]) -%}{%- endfor -%}
{%- set order_columns = lineage_columns() | map('first') | list -%}
with repeated as (
    select {{ key | join(', ') }}, min(_loaded_at) as _first_loaded_at
    from (
        {{ staged_rows(kind, narrow) }}
    ) as staged
    group by {{ key | join(', ') }}
    having count(*) > 1
),

contest as (
    select
        staged.*,
        repeated._first_loaded_at,
        row_number() over (
            partition by {% for name in key %}staged.{{ name }}, {% endfor %}1
            order by {{ record_order() }}
        ) as _place,
        count(*) over (
            partition by {% for name in key %}staged.{{ name }}, {% endfor %}_source, _load_id, _loaded_at, _row_hash
        ) as twins
    from (
        {{ staged_rows(kind, narrow) }}
    ) as staged
    inner join repeated on {{ same_key(key, 'staged', 'repeated') }}
),

winners as (
    select * from contest where _place = 1
),

twins as (
    select * from winners where twins > 1
),

clear as (
    select
        {% for name, type in columns %}staged.{{ name }}, {% endfor %}
        coalesce(winners._first_loaded_at, staged._loaded_at) as _first_loaded_at
    from (
        {{ staged_rows(kind, columns) }}
    ) as staged
    left join winners on {{ same_key(key, 'staged', 'winners') }}
    where
        winners._place is null
        or (
            winners.twins = 1
            and winners._source is not distinct from staged._source
            and winners._load_id is not distinct from staged._load_id
            and winners._loaded_at is not distinct from staged._loaded_at
            and winners._row_hash is not distinct from staged._row_hash
        )
),

one_twin as (
    select
        staged.*,
        twins._first_loaded_at,
        row_number() over (
            partition by {% for name in key %}staged.{{ name }}, {% endfor %}1
            order by staged._row_hash nulls last
        ) as _place
    from (
        {{ staged_rows(kind, columns) }}
    ) as staged
    inner join twins
        on {{ same_key(key, 'staged', 'twins') }}
        and twins._source is not distinct from staged._source
        and twins._load_id is not distinct from staged._load_id
        and twins._loaded_at is not distinct from staged._loaded_at
        and twins._row_hash is not distinct from staged._row_hash
),

chosen as (
    select * from clear
    union all
    select {% for name, type in columns %}{{ name }}, {% endfor %}_first_loaded_at
    from one_twin
    where _place = 1
)

select
    *,
    {{ case_month('application_no', '_first_loaded_at') }} as case_month
from chosen
{% endmacro %}

{# What this run's loads change: of the new rows of a key the one that counts, where it also beats the row held now
   (of which only key and order are read). #}
{% macro deduplicated_new(kind, key, columns) %}
{%- set order_columns = lineage_columns() | map('first') | join(', ') -%}
with arrived as (
    select
        *,
        min(_loaded_at) over (partition by {{ key | join(', ') }}) as _first_loaded_at,
        row_number() over (partition by {{ key | join(', ') }} order by {{ record_order() }}) as _place
    from (
        {{ staged_rows(kind, columns) }}
    ) as staged
),

newest as (
    select * from arrived where _place = 1
),

rivals as (
    select {{ key | join(', ') }}, {{ order_columns }}, _first_loaded_at, 1 as is_new
    from newest
    union all
    select {% for name in key %}held.{{ name }}, {% endfor %}{% for name, type in lineage_columns() %}held.{{ name }}, {% endfor %}held._first_loaded_at, 0 as is_new
    from {{ this }} as held
    inner join newest on {{ same_key(key, 'held', 'newest') }}
    {{ not_removed('held.application_no') }}
),

contest as (
    select
        *,
        min(_first_loaded_at) over (partition by {{ key | join(', ') }}) as _earliest_loaded_at,
        row_number() over (partition by {{ key | join(', ') }} order by {{ record_order() }}, is_new asc) as contest_place
    from rivals
),

chosen as (
    select {% for name, type in columns %}newest.{{ name }}, {% endfor %}contest._earliest_loaded_at as _first_loaded_at
    from newest
    inner join contest on {{ same_key(key, 'newest', 'contest') }}
    where contest.contest_place = 1 and contest.is_new = 1
)

select
    *,
    {{ case_month('application_no', '_first_loaded_at') }} as case_month
from chosen
{% endmacro %}
