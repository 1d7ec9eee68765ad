{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('watch', 'stop_days') }}
),

renamed as (
    select
        day as business_on,
        source as system_name,
        unit_code,
        record,
        record_title,
        declared as declared_count,
        landed as landed_count,
        cut as cut_count,
        acknowledged as acknowledged_count,
        read_back as read_back_count,
        stands_since,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
