{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('public_resources', 'deals') }}
),

renamed as (
    select
        deal_no,
        deal_kind,
        project_code,
        announced_at,
        state,
        budget_10k_yuan,
        price_10k_yuan,
        winner_credit_code,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
