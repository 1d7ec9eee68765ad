{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['change_no']
) }}
{{ latest(
    'person_changes',
    key=['change_no'],
    columns=[
        ['change_no', 'string'], ['change_kind', 'string'], ['id_no', 'string'],
        ['person_name', 'string'], ['sex', 'string'], ['born_on', 'date'],
        ['household_region_code', 'string'], ['address', 'string'], ['kept_id_no', 'string'],
        ['changed_at', 'timestamp'], ['_file_date', 'date']
    ]
) }}
