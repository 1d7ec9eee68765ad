{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('item_catalogue', 'joint_items') }}
),

renamed as (
    select
        joint_code,
        joint_name,
        lead_unit_code,
        item_code,
        is_cross_level,
        joined_on,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
