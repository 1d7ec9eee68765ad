{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['record', 'record_key', 'record_version']
) }}
{{ latest(
    'worst_records',
    key=['record', 'record_key', 'record_version'],
    columns=[
        ['record', 'string'], ['record_key', 'string'], ['record_version', 'int'], ['case_no', 'string'],
        ['system_name', 'string'], ['unit_code', 'string'], ['standing', 'string'], ['receipt_code', 'string'],
        ['rules', 'string'], ['is_backfill', 'boolean'], ['record_title', 'string'], ['rule_titles', 'string'],
        ['rule_mends', 'string'], ['due_at', 'timestamp'], ['arrived_at', 'timestamp']
    ],
    in_order_of_loads=true
) }}
