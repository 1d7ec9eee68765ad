{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['page_id']
) }}
{{ latest(
    'personal_pages',
    key=['page_id'],
    columns=[
        ['page_id', 'string'], ['page_kind', 'string'], ['account_id', 'string'],
        ['opened_at', 'timestamp'], ['status', 'string'], ['region_code', 'string'], ['source_written_at', 'timestamp']
    ]
) }}
