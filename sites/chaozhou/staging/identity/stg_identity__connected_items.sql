{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('identity', 'connected_items') }}
),

renamed as (
    select
        item_code,
        unit_code,
        connection_mode,
        connected_on,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
