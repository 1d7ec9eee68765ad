{# Which file a model lives in: only DuckDB knows databases (the marts have one of their own); one schema for all. #}
{% macro generate_database_name(custom_database_name=none, node=none) -%}
    {%- if custom_database_name is none or target.type != 'duckdb' -%}{{ target.database }}
    {%- else -%}{{ custom_database_name | trim }}{%- endif -%}
{%- endmacro %}

{% macro generate_schema_name(custom_schema_name, node) -%}{{ target.schema }}{%- endmacro %}
