{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['credit_code']
) }}
{{ latest(
    'legal_persons',
    key=['credit_code'],
    columns=[
        ['credit_code', 'string'], ['organisation_code', 'string'], ['legal_person_name', 'string'],
        ['legal_person_type', 'string'], ['registered_capital_10k_yuan', 'decimal(16, 2)'],
        ['registration_authority', 'string'], ['legal_person_status', 'string'],
        ['source_written_at', 'timestamp']
    ]
) }}
