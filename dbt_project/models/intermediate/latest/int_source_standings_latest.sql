{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['system_name']
) }}
{{ latest(
    'source_standings',
    key=['system_name'],
    columns=[
        ['system_name', 'string'], ['source_title', 'string'], ['owner_name', 'string'],
        ['system_title', 'string'], ['connector', 'string'], ['state', 'string'], ['trouble', 'string'],
        ['table_count', 'int'], ['row_count', 'bigint'], ['deleted_count', 'bigint'], ['remark_count', 'int'],
        ['last_rows_at', 'timestamp'], ['silent_since', 'timestamp'], ['silent_after_hours', 'int']
    ],
    in_order_of_loads=true
) }}
