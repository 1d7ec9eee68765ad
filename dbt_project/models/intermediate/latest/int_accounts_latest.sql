{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['account_id']
) }}
{{ latest(
    'accounts',
    key=['account_id'],
    columns=[
        ['account_id', 'string'], ['account_type', 'string'], ['real_name_level', 'int'],
        ['registered_at', 'timestamp'], ['id_no', 'string'], ['source_written_at', 'timestamp']
    ]
) }}
