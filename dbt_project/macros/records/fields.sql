{# SQL type of a specification type. #}
{% macro sql_type(type) %}
{{- {'text': 'string', 'time': 'timestamp', 'integer': 'int', 'number': 'decimal(16, 2)'}[type] -}}
{% endmacro %}

{# [official name, our column, specification type] of each field of a kind of record. #}
{% macro fields_of(kind) %}{{ return(var('exchange_fields')[var('record_kinds')[kind]['record']]) }}{% endmacro %}

{# The columns that every staging model carries behind the business fields: [name, SQL type]. #}
{% macro lineage_columns() %}
{{ return([
    ['source_record_version', 'int'], ['source_written_at', 'timestamp'], ['_source', 'string'],
    ['_load_id', 'string'], ['_loaded_at', 'timestamp'], ['_row_hash', 'bigint']
]) }}
{% endmacro %}

{# [column, SQL type] of a kind's staging model. #}
{% macro columns_of(kind) %}
{%- set columns = [] -%}
{%- for official, name, type in fields_of(kind) -%}{%- do columns.append([name, sql_type(type)]) -%}{%- endfor -%}
{%- if kind == 'acceptances' -%}{%- do columns.append(['declared_due_at', 'timestamp']) -%}{%- endif -%}
{{ return(columns + lineage_columns()) }}
{% endmacro %}

{# Select list for a source that already speaks the official names (lower case): each field under our name and type.
   `instead` gives another expression for one of our columns; `lacks` lists the official names that the source has no
   column for. #}
{% macro from_official(kind, instead={}, lacks=[]) %}
{%- for official, name, type in fields_of(kind) -%}
{%- if name in instead -%}{%- set value = instead[name] -%}
{%- elif official in lacks -%}{%- set value = 'null' -%}
{%- elif name in ('region_code', 'jurisdiction_code') -%}{%- set value = region_code(official | lower) -%}
{%- else -%}{%- set value = official | lower -%}{%- endif %}
        cast({{ value }} as {{ sql_type(type) }}) as {{ name }},
{%- endfor %}
{%- endmacro %}

{# Select list for a source that does not: a kind's columns in the specification's order from our-name → expression;
   what is not given is null. Every name given must be one of the kind's. #}
{% macro as_kind(kind, given) %}
{%- set names = columns_of(kind) | map('first') | list -%}
{%- for name in given -%}
{%- if name not in names -%}{{ exceptions.raise_compiler_error('记录种类 ' ~ kind ~ ' 没有列 ' ~ name) }}{%- endif -%}
{%- endfor -%}
{%- for name, type in columns_of(kind) %}
        cast({{ given.get(name, name if name.startswith('_') else 'null') }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}
