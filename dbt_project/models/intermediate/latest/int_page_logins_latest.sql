{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['page_id', 'login_date']
) }}
{{ latest(
    'page_logins',
    key=['page_id', 'login_date'],
    columns=[['page_id', 'string'], ['login_date', 'date'], ['source_written_at', 'timestamp']]
) }}
