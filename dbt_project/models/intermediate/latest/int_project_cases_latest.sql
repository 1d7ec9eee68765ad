{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['case_no']
) }}
{{ latest(
    'project_cases',
    key=['case_no'],
    columns=[
        ['project_code', 'string'], ['case_no', 'string'], ['item_code', 'string'],
        ['project_stage', 'string'], ['source_written_at', 'timestamp']
    ]
) }}
