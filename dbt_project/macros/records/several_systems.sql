{# The cases of which more than one system reports records of a kind: among what this run stages, and – where there was
   an earlier run – what it has left of them: `held`, the kind's records that count, and `before`, what was found out
   then. #}
{% macro reported_by_several(kind, held, before) %}
{%- set sources = sources_of(kind) -%}
{%- set number = [['application_no', 'string']] -%}
{%- for name in sources[:-1] -%}
select one.application_no
        from ({{ staged_rows(kind, number, models_of(kind, [name])) }}) as one
        inner join ({{ staged_rows(kind, number, models_of(kind, sources[loop.index:])) }}) as other
            on one.application_no = other.application_no
        {{ 'union' if not loop.last }}
{% endfor -%}
{%- if held -%}
        union
        select staged.application_no
        from ({{ staged_rows(kind, number + [['_source', 'string']]) }}) as staged
        inner join {{ held }} as held on staged.application_no = held.application_no and staged._source <> held._source
        {{ not_removed('held.application_no') }}
        union
        select before.case_no as application_no
        from {{ before }} as before
        where before.kind = '{{ kind }}' {{ not_removed('before.case_no', and_=true) }}
{%- endif -%}
{% endmacro %}
