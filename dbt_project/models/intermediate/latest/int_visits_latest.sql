{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['visit_no']
) }}
{{ latest(
    'visits',
    key=['visit_no'],
    columns=[
        ['visit_no', 'string'], ['case_no', 'string'], ['ticket_no', 'string'],
        ['hall_region_code', 'string'], ['window_no', 'string'], ['purpose', 'string'],
        ['visited_at', 'timestamp'], ['source_written_at', 'timestamp']
    ]
) }}
