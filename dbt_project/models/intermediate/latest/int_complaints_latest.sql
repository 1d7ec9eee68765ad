{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['complaint_no']
) }}
{{ latest(
    'complaints',
    key=['complaint_no'],
    columns=[
        ['complaint_no', 'string'], ['case_no', 'string'], ['unit_code', 'string'],
        ['complaint_kind', 'string'], ['channel', 'string'], ['filed_at', 'timestamp'],
        ['status', 'string'], ['handled_at', 'timestamp'], ['finding', 'string'],
        ['source_written_at', 'timestamp']
    ]
) }}
