{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['question_no']
) }}
{{ latest(
    'questions',
    key=['question_no'],
    columns=[
        ['question_no', 'string'], ['item_code', 'string'], ['unit_code', 'string'],
        ['asked_at', 'timestamp'], ['status', 'string'], ['answered_at', 'timestamp'],
        ['source_written_at', 'timestamp']
    ]
) }}
