{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['alarm_id']
) }}
{{ latest(
    'open_alarms',
    key=['alarm_id'],
    columns=[
        ['alarm_id', 'bigint'], ['alarm_kind', 'string'], ['system_name', 'string'], ['unit_code', 'string'],
        ['alarm_text', 'string'], ['alarm_mend', 'string'], ['raised_at', 'timestamp'],
        ['told_at', 'timestamp']
    ],
    in_order_of_loads=true
) }}
