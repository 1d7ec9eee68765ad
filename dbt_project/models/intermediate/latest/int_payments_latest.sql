{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['payment_no']
) }}
{{ latest(
    'payments',
    key=['payment_no'],
    columns=[
        ['payment_no', 'string'], ['case_no', 'string'], ['payment_way', 'string'],
        ['amount_yuan', 'decimal(16, 2)'], ['paid_at', 'timestamp'], ['payment_status', 'string'],
        ['_file_date', 'date']
    ]
) }}
