{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['record', 'system_name', 'unit_code', 'standing', 'receipt_code', 'rule', 'is_backfill', 'band']
) }}
{{ latest(
    'open_records',
    key=['record', 'system_name', 'unit_code', 'standing', 'receipt_code', 'rule', 'is_backfill', 'band'],
    columns=[
        ['record', 'string'], ['system_name', 'string'], ['unit_code', 'string'], ['standing', 'string'],
        ['receipt_code', 'string'], ['rule', 'string'], ['is_backfill', 'boolean'], ['band', 'string'],
        ['record_title', 'string'], ['rule_title', 'string'], ['rule_mend', 'string'],
        ['record_count', 'bigint'], ['first_due_at', 'timestamp']
    ],
    in_order_of_loads=true
) }}
