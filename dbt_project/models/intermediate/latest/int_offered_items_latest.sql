{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['channel', 'item_code']
) }}
{{ latest(
    'offered_items',
    key=['channel', 'item_code'],
    columns=[
        ['channel', 'string'], ['item_code', 'string'], ['shown_name', 'string'], ['offered_on', 'date']
    ]
) }}
