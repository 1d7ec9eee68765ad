{# The names that applications share with their neighbours, one macro a neighbourhood: [name, expression] over `rows`,
   whose columns `columns` gives by our names. A row without one of them, or with a filler for it, has no neighbours. #}
{% macro neighbourhood(name, rows, columns) %}
{%- set applied_at = rows ~ '.' ~ columns['applied_at'] -%}
{%- if name == 'applicant_item_day' -%}
{%- set applicant = 'upper(trim(' ~ rows ~ '.' ~ columns['applicant_id_no'] ~ '))' -%}
{{ return([
    ['applicant', 'case when ' ~ applicant ~ ' not in (' ~ quoted_list(var('fillers')) ~ ') then ' ~ applicant ~ ' end'],
    ['item_code', rows ~ '.' ~ columns['item_code']],
    ['applied_on', 'cast(' ~ applied_at ~ ' as date)'],
]) }}
{%- elif name == 'unit_second' -%}
{# A source that gives only the day says midnight, which is no second that many cases could share. #}
{{ return([
    ['unit_code', rows ~ '.' ~ columns['unit_code']],
    ['applied_at', "cast(date_trunc('second', " ~ applied_at ~ ') as timestamp)'],
    ['is_timed', 'case when ' ~ applied_at ~ ' <> cast(cast(' ~ applied_at ~ ' as date) as timestamp) then true end'],
]) }}
{%- else -%}{{ exceptions.raise_compiler_error('没有邻域 ' ~ name) }}
{%- endif -%}
{% endmacro %}

{% macro named_neighbourhoods() %}{{ return(['applicant_item_day', 'unit_second']) }}{% endmacro %}

{# Our names of the applications' columns that neighbourhoods are made of → those of the exchange model, if `official`. #}
{% macro neighbour_columns(official=false) %}
{%- set found = {} -%}
{%- for wire, name, type in fields_of('applications') if name in ('applicant_id_no', 'item_code', 'applied_at', 'unit_code') -%}
{%- do found.update({name: wire | lower if official else name}) -%}
{%- endfor -%}
{{ return(found) }}
{% endmacro %}

{# Neighbourhoods with more than `beyond` applications, each with its size: [names…, application_count]. A regular build
   looks only at those of the cases that it touches. #}
{% macro crowded(name, beyond) %}
{%- set parts = neighbourhood(name, 'those', neighbour_columns()) -%}
select {% for part, expression in parts %}{{ expression }} as {{ part }}, {% endfor %}cast(count(*) as int) as application_count
    from {{ ref('int_applications_deduplicated') }} as those
    {% if is_incremental() -%}
    inner join (
        select distinct {% for part, expression in neighbourhood(name, 'mine', neighbour_columns()) %}{{ expression }} as {{ part }}{{ ', ' if not loop.last }}{% endfor %}
        from {{ ref('int_applications_deduplicated') }} as mine
        {{ touched('mine.application_no') }}
    ) as touched_ones
        on {% for part, expression in parts %}{{ 'and ' if not loop.first }}{{ expression }} = touched_ones.{{ part }} {% endfor %}
    {%- endif %}
    where {% for part, expression in parts %}{{ 'and ' if not loop.first }}{{ expression }} is not null {% endfor %}
    group by {% for part, expression in parts %}{{ expression }}{{ ', ' if not loop.last }}{% endfor %}
    having count(*) > {{ beyond }}
{%- endmacro %}

{# The cases whose neighbourhood this run's applications have entered or left. Where an application stood before is read
   from the exchange records by name, as the last build left them: they change last, and together with what depends on
   it, so that a build that failed half way leaves nothing behind. #}
{% macro neighbours_touched(name) %}
{%- set held = adapter.get_relation(this.database, this.schema, 'ex_gdbs_sb') -%}
{%- set now = neighbourhood(name, 'arrived', neighbour_columns()) -%}
{%- set before = neighbourhood(name, 'held', neighbour_columns(official=true)) -%}
{%- set staged = staged_rows('applications', [['application_no', 'string']]) -%}
select those.application_no as case_no
    from {{ ref('int_applications_deduplicated') }} as those
    inner join (
        select {% for part, expression in now %}{{ part }}{{ ', ' if not loop.last }}{% endfor %}
        from (
            select distinct arrived.application_no as case_no, {% for part, expression in now %}{{ expression }} as {{ part }}{{ ', ' if not loop.last }}{% endfor %}
            from {{ ref('int_applications_deduplicated') }} as arrived
            where arrived.application_no in (select staged.application_no from ({{ staged }}) as staged)
            {% if held -%}
            union all
            select distinct held.case_no, {% for part, expression in before %}{{ expression }} as {{ part }}{{ ', ' if not loop.last }}{% endfor %}
            from {{ held }} as held
            where
                held.case_no in (select staged.application_no from ({{ staged }}) as staged)
                or held.case_no in ({{ removed_cases() }})
            {%- endif %}
        ) as moved
        group by case_no, {% for part, expression in now %}{{ part }}{{ ', ' if not loop.last }}{% endfor %}
        having count(*) = 1
    ) as changed
        on {% for part, expression in neighbourhood(name, 'those', neighbour_columns()) %}{{ 'and ' if not loop.first }}{{ expression }} = changed.{{ part }} {% endfor %}
{%- endmacro %}
