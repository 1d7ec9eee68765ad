{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['check_no']
) }}
{{ latest(
    'page_checks',
    key=['check_no'],
    columns=[
        ['check_no', 'string'], ['channel', 'string'], ['item_code', 'string'],
        ['checked_at', 'timestamp'], ['is_reachable', 'boolean'], ['problem', 'string'],
        ['mended_at', 'timestamp'], ['source_written_at', 'timestamp']
    ]
) }}
