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

{# A hash of what a record of a kind says: its filled fields by their official names, in the order of those names. Null
   and empty are one, as they are on the wire. A field that a later version of the specification brings changes no hash
   until it is filled, and neither does another order of the fields; nothing is sent anew for the sake of a version.
   The parts stand between unit separators, which a name never holds and a value only as a fault. #}
{% macro hash_of(fields) %}
md5(concat_ws(chr(31){% for official, name, type in fields | sort(attribute=0) %}, '{{ official }}=' || {% if type == 'text' %}nullif({{ name }}, ''){% else %}cast({{ name }} as string){% endif %}{% endfor %}))
{%- endmacro %}

{# The last select of an exchange model: the official fields as the specification orders them, then what cut and gate
   need. `relation` has the kind's columns, `case_unit_code` and the kind's context columns; those of the record's own
   neighbourhood are added here. The context hash is in two parts, so that a cut can tell a rule that changed from a
   context that changed: the version of the rules, and a hash of the columns that a rule of this kind reads. #}
{% macro exchange_record(kind, relation) %}
{%- set fields = fields_of(kind) -%}
{%- set context = var('context_columns')[kind] -%}
{%- set of_the_record = {
    'ctx_systems_agree': 'at_odds.record_key is null', 'ctx_versions_are_whole': 'gapped.record_key is null'
} -%}
select
    {% for official, name, type in fields -%}
    {%- if name in ('region_code', 'jurisdiction_code') -%}{{ statutory_region('keyed.' ~ name) }}{%- else -%}keyed.{{ name }}{%- endif %} as {{ official | lower }},
    {% endfor -%}
    keyed.record_key,
    keyed.application_no as case_no,
    {# A slip of the pen such as the year 20217 is judged in its own field; as the time the record stands for it is none. #}
    {%- set stands_for = 'keyed.' ~ var('record_kinds')[kind]['business_time'] %}
    case when {{ stands_for }} >= cast('0001-01-01' as timestamp) and {{ stands_for }} < cast('9999-12-31' as timestamp) then {{ stands_for }} end as business_time,
    keyed.case_unit_code as unit_code,
    keyed._source as source,
    {# So it is with the time at which it was written: a clock of twelve hours begins there too. #}
    case when keyed.source_written_at >= cast('0001-01-01' as timestamp) and keyed.source_written_at < cast('9999-12-31' as timestamp) then keyed.source_written_at end as source_written_at,
    keyed._loaded_at as arrived_at,
    {{ hash_of(fields) }} as payload_hash,
    {% for name in context['carried'] %}{{ of_the_record.get(name, 'keyed.' ~ name) }} as {{ name }},
    {% endfor -%}
    concat((select run.rule_version from {{ source('run', 'context') }} as run), ':', md5(concat_ws('|'
        {%- for name in context['read'] %}, coalesce(cast({{ of_the_record.get(name, 'keyed.' ~ name) }} as string), ''){% endfor %}))) as context_hash,
    keyed.case_month,
    (select run.run_no from {{ source('run', 'context') }} as run) as _run_no
from (select {{ relation }}.*, {{ record_key(kind) }} as record_key from {{ relation }}) as keyed
left join (
    select record_key
    from {{ ref('int_record_systems') }}
    where kind = '{{ kind }}' {{ touched('case_no', and_=true) }}
    group by record_key
    having count(distinct content_hash) > 1
) as at_odds on keyed.record_key = at_odds.record_key
left join (
    select distinct record_key
    from {{ ref('int_record_versions') }}
    where kind = '{{ kind }}' {{ touched('case_no', and_=true) }}
    group by record_key, _source
    having max(source_record_version) > count(distinct source_record_version)
) as gapped on keyed.record_key = gapped.record_key
{% endmacro %}
