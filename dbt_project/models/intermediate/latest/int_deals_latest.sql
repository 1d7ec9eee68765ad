{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['deal_no']
) }}
{{ latest(
    'deals',
    key=['deal_no'],
    columns=[
        ['deal_no', 'string'], ['deal_kind', 'string'], ['project_code', 'string'],
        ['announced_at', 'timestamp'], ['state', 'string'], ['budget_10k_yuan', 'decimal(16, 2)'],
        ['price_10k_yuan', 'decimal(16, 2)'], ['winner_credit_code', 'string'],
        ['source_written_at', 'timestamp']
    ]
) }}
