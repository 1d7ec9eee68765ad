{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['change_no']
) }}
{{ latest(
    'legal_person_changes',
    key=['change_no'],
    columns=[
        ['change_no', 'string'], ['credit_code', 'string'], ['change_kind', 'string'],
        ['other_credit_code', 'string'], ['party', 'string'], ['registration_no', 'string'],
        ['changed_at', 'timestamp'], ['source_written_at', 'timestamp']
    ]
) }}
