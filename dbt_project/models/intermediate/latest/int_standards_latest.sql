{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['standard_no', 'stage_number']
) }}
{{ latest(
    'standards',
    key=['standard_no', 'stage_number'],
    columns=[
        ['standard_no', 'string'], ['item_code', 'string'], ['item_version', 'int'],
        ['edition_kind', 'string'], ['stage', 'string'], ['stage_number', 'int'],
        ['entered_at', 'timestamp'], ['confirmed_at', 'timestamp'], ['source_written_at', 'timestamp']
    ]
) }}
