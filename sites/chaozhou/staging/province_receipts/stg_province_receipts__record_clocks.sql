{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('province_receipts', 'record_clocks') }}
),

renamed as (
    select
        record,
        record_key,
        version as record_version,
        case_no,
        source as system_name,
        unit_code,
        is_backfill,
        clock_at,
        arrived_at,
        acked_at,
        is_counted,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
