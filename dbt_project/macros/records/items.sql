{# [column, SQL type] of the items' staging model. #}
{% macro item_columns() %}
{{ return([
    ['item_code', 'string'], ['item_version', 'int'], ['item_name', 'string'], ['parent_item_code', 'string'],
    ['subject', 'string'], ['unit_code', 'string'], ['region_code', 'string'], ['is_settled', 'boolean'],
    ['is_online', 'boolean'], ['online_depth', 'int'], ['visit_limit', 'int'], ['promised_limit', 'int'],
    ['promised_limit_unit', 'string'], ['statutory_limit', 'int'], ['statutory_limit_unit', 'string'],
    ['is_immediate', 'boolean'], ['person_theme_code', 'string'], ['legal_theme_code', 'string'],
    ['special_theme_code', 'string'],
    ['valid_from', 'date'], ['valid_to', 'date']
]) }}
{% endmacro %}

{% macro item_lineage() %}
{{ return([
    ['source_written_at', 'timestamp'], ['_source', 'string'], ['_load_id', 'string'], ['_loaded_at', 'timestamp'],
    ['_row_hash', 'bigint']
]) }}
{% endmacro %}
