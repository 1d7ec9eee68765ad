{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['login_date', 'page_kind']
) }}
{{ latest(
    'page_login_days',
    key=['login_date', 'page_kind'],
    columns=[
        ['login_date', 'date'], ['page_kind', 'string'], ['logins', 'bigint'], ['accounts', 'bigint'],
        ['source_written_at', 'timestamp']
    ]
) }}
