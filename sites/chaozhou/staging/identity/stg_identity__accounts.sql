with source as (
    select * from {{ source('identity', 'accounts') }}
),

renamed as (
    select
        account_id,
        account_type,
        cast(real_name_level as int) as real_name_level,
        cast(registered_at as timestamp) as registered_at,
        id_no,
        cast(updated_at as timestamp) as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
