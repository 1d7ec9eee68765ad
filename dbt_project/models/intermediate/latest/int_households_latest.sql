{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['household_no']
) }}
{{ latest(
    'households',
    key=['household_no'],
    columns=[
        ['household_no', 'string'], ['householder_name', 'string'], ['householder_id_no', 'string'],
        ['cause', 'string'], ['person_count', 'int'], ['listed_on', 'date'],
        ['source_written_at', 'timestamp']
    ]
) }}
