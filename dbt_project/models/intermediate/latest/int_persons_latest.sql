{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['id_no']
) }}
{{ latest(
    'persons',
    key=['id_no'],
    columns=[
        ['id_no', 'string'], ['person_name', 'string'], ['sex', 'string'], ['born_on', 'date'],
        ['household_region_code', 'string'], ['address', 'string'], ['_file_date', 'date']
    ]
) }}
