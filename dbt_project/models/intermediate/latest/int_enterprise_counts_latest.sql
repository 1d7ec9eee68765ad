{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['month', 'region_code']
) }}
{{ latest(
    'enterprise_counts',
    key=['month', 'region_code'],
    columns=[
        ['month', 'string'], ['region_code', 'string'], ['enterprise_count', 'bigint'],
        ['publisher', 'string'], ['_file_date', 'date']
    ]
) }}
