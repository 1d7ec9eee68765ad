{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['kind_code']
) }}
{{ latest(
    'licence_kinds',
    key=['kind_code'],
    columns=[
        ['kind_code', 'string'], ['kind_name', 'string'], ['issuing_unit', 'string'],
        ['is_issuing', 'boolean'], ['is_using', 'boolean'], ['planned_on', 'date'],
        ['opened_on', 'date'], ['status', 'string'], ['source_written_at', 'timestamp']
    ]
) }}
