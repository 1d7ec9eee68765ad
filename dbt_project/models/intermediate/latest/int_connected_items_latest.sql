{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['item_code']
) }}
{{ latest(
    'connected_items',
    key=['item_code'],
    columns=[
        ['item_code', 'string'], ['unit_code', 'string'], ['connection_mode', 'string'],
        ['connected_on', 'date']
    ]
) }}
