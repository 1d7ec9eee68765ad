{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['project_code']
) }}
{{ latest(
    'projects',
    key=['project_code'],
    columns=[
        ['project_code', 'string'], ['project_name', 'string'], ['builder_credit_code', 'string'],
        ['project_kind', 'string'], ['investment_10k_yuan', 'decimal(16, 2)'],
        ['project_stage', 'string'], ['begun_at', 'timestamp'], ['source_written_at', 'timestamp']
    ]
) }}
