{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['login_date', 'account_type', 'channel']
) }}
{{ latest(
    'login_days',
    key=['login_date', 'account_type', 'channel'],
    columns=[
        ['login_date', 'date'], ['account_type', 'string'], ['channel', 'string'], ['logins', 'bigint'],
        ['accounts', 'bigint'], ['source_written_at', 'timestamp']
    ]
) }}
