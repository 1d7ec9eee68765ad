{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['ticket_no']
) }}
{{ latest(
    'tickets',
    key=['ticket_no'],
    columns=[
        ['ticket_no', 'string'], ['hall_region_code', 'string'], ['printed_no', 'string'],
        ['item_name', 'string'], ['unit_code', 'string'], ['taken_at', 'timestamp'],
        ['called_at', 'timestamp'], ['window_no', 'string'], ['served_at', 'timestamp'],
        ['ticket_state', 'string'], ['source_written_at', 'timestamp']
    ]
) }}
