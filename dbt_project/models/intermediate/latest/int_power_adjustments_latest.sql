{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['adjustment_no']
) }}
{{ latest(
    'power_adjustments',
    key=['adjustment_no'],
    columns=[
        ['adjustment_no', 'string'], ['adjustment_kind', 'string'], ['item_code', 'string'],
        ['from_unit_code', 'string'], ['to_unit_code', 'string'], ['document_no', 'string'],
        ['effective_on', 'date'], ['source_written_at', 'timestamp']
    ]
) }}
