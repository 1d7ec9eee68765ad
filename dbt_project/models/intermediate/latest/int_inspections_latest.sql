{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['inspection_no']
) }}
{{ latest(
    'inspections',
    key=['inspection_no'],
    columns=[
        ['inspection_no', 'string'], ['credit_code', 'string'], ['inspection_kind', 'string'],
        ['inspected_at', 'timestamp'], ['finding', 'string'], ['source_written_at', 'timestamp']
    ]
) }}
