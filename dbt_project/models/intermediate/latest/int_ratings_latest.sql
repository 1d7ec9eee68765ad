{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['rating_no']
) }}
{{ latest(
    'ratings',
    key=['rating_no'],
    columns=[
        ['rating_no', 'string'], ['case_no', 'string'], ['unit_code', 'string'], ['score', 'int'],
        ['rating_way', 'string'], ['rated_at', 'timestamp'], ['source_written_at', 'timestamp']
    ]
) }}
