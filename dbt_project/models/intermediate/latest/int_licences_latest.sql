{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['licence_no']
) }}
{{ latest(
    'licences',
    key=['licence_no'],
    columns=[
        ['licence_no', 'string'], ['licence_kind', 'string'], ['issue_way', 'string'],
        ['item_code', 'string'], ['case_no', 'string'], ['holder_id_no', 'string'],
        ['issued_at', 'timestamp'], ['valid_until', 'date'], ['status', 'string'],
        ['source_written_at', 'timestamp']
    ]
) }}
