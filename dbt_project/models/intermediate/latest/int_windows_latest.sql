{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['window_no']
) }}
{{ latest(
    'windows',
    key=['window_no'],
    columns=[
        ['window_no', 'string'], ['hall_region_code', 'string'], ['hall_name', 'string'],
        ['window_name', 'string'], ['unit_code', 'string'], ['floor', 'int'], ['window_kind', 'string'],
        ['source_written_at', 'timestamp']
    ]
) }}
