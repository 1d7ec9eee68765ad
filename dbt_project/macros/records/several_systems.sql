{# The cases of which more than one system reports records of a kind, among all that is staged: each system's numbers
   against those of the others, because nearly all cases are of one system. #}
{% macro reported_by_several(kind) %}
{%- set sources = sources_of(kind) -%}
{%- set number = [['application_no', 'string']] -%}
{%- for name in sources[:-1] -%}
select one.application_no
        from ({{ staged_rows(kind, number, models_of(kind, [name])) }}) as one
        inner join ({{ staged_rows(kind, number, models_of(kind, sources[loop.index:])) }}) as other
            on one.application_no = other.application_no
        {{ 'union' if not loop.last }}
{% endfor -%}
{% endmacro %}

{# The same among the few rows of this run (`staged`, a name) and what earlier runs have left of them: `held`, the kind's
   records that count, or none, and `before`, what was found out then. #}
{% macro now_reported_by_several(kind, staged, held, before) -%}
select application_no
        from {{ staged }}
        group by application_no
        having min(_source) <> max(_source)
        union
        {% if held -%}
        select staged.application_no
        from {{ staged }} as staged
        inner join {{ held }} as held on staged.application_no = held.application_no and staged._source <> held._source
        {{ not_removed('held.application_no') }}
        union
        {% endif -%}
        select before.case_no as application_no
        from {{ before }} as before
        where before.kind = '{{ kind }}' {{ not_removed('before.case_no', and_=true) }}
{%- endmacro %}
