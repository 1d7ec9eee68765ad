{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('identity', 'login_days') }}
),

renamed as (
    select
        day as login_date,
        account_type,
        channel,
        logins,
        accounts,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
