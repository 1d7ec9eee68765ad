{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('channels', 'offered_items') }}
),

renamed as (
    select
        channel,
        item_code,
        shown_name,
        offered_on,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
