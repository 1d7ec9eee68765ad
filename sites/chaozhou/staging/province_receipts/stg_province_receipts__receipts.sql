{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('province_receipts', 'receipts') }}
),

renamed as (
    select
        receipt_id,
        record,
        record_key,
        version as record_version,
        attempt as attempt_number,
        received_at,
        code,
        receipt_no,
        text as receipt_text,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
