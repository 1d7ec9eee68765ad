{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['business_on', 'system_name', 'unit_code', 'record']
) }}
{{ latest(
    'stop_days',
    key=['business_on', 'system_name', 'unit_code', 'record'],
    columns=[
        ['business_on', 'date'], ['system_name', 'string'], ['unit_code', 'string'], ['record', 'string'],
        ['record_title', 'string'], ['declared_count', 'bigint'], ['landed_count', 'bigint'],
        ['cut_count', 'bigint'], ['acknowledged_count', 'bigint'], ['read_back_count', 'bigint'],
        ['stands_since', 'timestamp']
    ],
    in_order_of_loads=true
) }}
