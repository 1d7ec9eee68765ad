{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['joint_code', 'item_code']
) }}
{{ latest(
    'joint_items',
    key=['joint_code', 'item_code'],
    columns=[
        ['joint_code', 'string'], ['joint_name', 'string'], ['lead_unit_code', 'string'],
        ['item_code', 'string'], ['is_cross_level', 'boolean'], ['joined_on', 'date']
    ]
) }}
