{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['use_no']
) }}
{{ latest(
    'licence_uses',
    key=['use_no'],
    columns=[
        ['use_no', 'string'], ['licence_no', 'string'], ['licence_kind', 'string'],
        ['case_no', 'string'], ['item_code', 'string'], ['used_at', 'timestamp'], ['purpose', 'string'],
        ['source_written_at', 'timestamp']
    ]
) }}
