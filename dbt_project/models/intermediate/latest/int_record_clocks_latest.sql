{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['record', 'record_key', 'record_version']
) }}
{{ latest(
    'record_clocks',
    key=['record', 'record_key', 'record_version'],
    columns=[
        ['record', 'string'], ['record_key', 'string'], ['record_version', 'int'],
        ['system_name', 'string'], ['unit_code', 'string'], ['is_backfill', 'boolean'],
        ['clock_at', 'timestamp'], ['arrived_at', 'timestamp'], ['acked_at', 'timestamp'],
        ['is_counted', 'boolean']
    ]
) }}
