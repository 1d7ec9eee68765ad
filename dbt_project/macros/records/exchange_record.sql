{# The key of a record as text: its key fields joined by '|', times to the second. #}
{% macro record_key(kind) %}
{%- set types = {} -%}
{%- for official, name, type in fields_of(kind) -%}{%- do types.update({name: type}) -%}{%- endfor -%}
concat_ws('|'{% for name in var('record_kinds')[kind]['key'] %}, coalesce(
        {%- if types[name] == 'time' -%}{{ format_time(name, 'yyyy-MM-dd HH:mm:ss') }}
        {%- elif types[name] == 'text' -%}{{ name }}
        {%- else -%}cast({{ name }} as string){%- endif -%}
        , ''){% endfor %})
{%- endmacro %}

{# A hash of columns in the order given; null and empty are one, as they are on the wire. #}
{% macro hash_of(columns, types={}) %}
md5(concat_ws('|'{% for name in columns %}, coalesce({% if types.get(name) == 'text' %}{{ name }}{% else %}cast({{ name }} as string){% endif %}, ''){% endfor %}))
{%- endmacro %}

{# The last select of an exchange model: the official fields as the specification orders them, then what cut and gate
   need. `relation` has the kind's columns, `case_unit_code` and the context columns named. #}
{% macro exchange_record(kind, relation, context) %}
{%- set fields = fields_of(kind) -%}
{%- set types = {} -%}
{%- for official, name, type in fields -%}{%- do types.update({name: type}) -%}{%- endfor -%}
select
    {% for official, name, type in fields -%}
    {%- if name in ('region_code', 'jurisdiction_code') -%}{{ statutory_region(name) }}{%- else -%}{{ name }}{%- endif %} as {{ official | lower }},
    {% endfor -%}
    {{ record_key(kind) }} as record_key,
    application_no as case_no,
    {{ var('record_kinds')[kind]['business_time'] }} as business_time,
    case_unit_code as unit_code,
    _source as source,
    source_written_at,
    _loaded_at as arrived_at,
    {{ hash_of(fields | map(attribute=1) | list, types) }} as payload_hash,
    {% for name in context %}{{ name }},
    {% endfor -%}
    md5(concat_ws('|'{% for name in context %}, coalesce(cast({{ name }} as string), ''){% endfor %}, (
        select run.rule_version from {{ source('run', 'context') }} as run
    ))) as context_hash,
    case_month,
    (select run.run_no from {{ source('run', 'context') }} as run) as _run_no
from {{ relation }}
{% endmacro %}
