{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['material_key']
) }}
{{ latest(
    'materials',
    key=['material_key'],
    columns=[
        ['material_key', 'string'], ['application_no', 'string'], ['item_code', 'string'], ['file_kind', 'string'],
        ['copy_kind', 'string'], ['copies_count', 'int'], ['material_name', 'string'], ['source_written_at', 'timestamp']
    ]
) }}
