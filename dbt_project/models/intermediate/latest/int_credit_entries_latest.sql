{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['entry_no']
) }}
{{ latest(
    'credit_entries',
    key=['entry_no'],
    columns=[
        ['entry_no', 'string'], ['credit_code', 'string'], ['entry_kind', 'string'],
        ['reason', 'string'], ['found_on', 'date'], ['valid_until', 'date'],
        ['source_written_at', 'timestamp']
    ]
) }}
