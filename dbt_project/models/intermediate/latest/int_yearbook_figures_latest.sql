{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['year', 'figure', 'region_code']
) }}
{{ latest(
    'yearbook_figures',
    key=['year', 'figure', 'region_code'],
    columns=[
        ['year', 'int'], ['figure', 'string'], ['region_code', 'string'], ['figure_value', 'bigint'],
        ['unit_of_count', 'string'], ['_file_date', 'date']
    ]
) }}
