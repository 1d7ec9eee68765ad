{# The key's columns name at most one row, and the first of them is never null; `kind` stands for the key of a kind of
   record. A regular build looks only at the cases that it touched, where the table has cases. #}
{% test key_is_unique(model, columns=none, kind=none, case_column=none) %}
{%- set names = columns if columns else var('record_kinds')[kind]['key'] -%}
{%- set touched_cases = ref('int_touched_cases') -%}
select {{ names | join(', ') }}
from {{ model }}
{% if case_column and not flags.FULL_REFRESH -%}
where {{ case_column }} in (
    select touched.case_no
    from {{ touched_cases }} as touched
    where touched.case_no >= ''
)
{%- endif %}
group by {{ names | join(', ') }}
having count(*) > 1 or {{ names[0] }} is null
{% endtest %}
