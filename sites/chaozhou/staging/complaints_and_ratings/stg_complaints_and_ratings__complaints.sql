{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('complaints_and_ratings', 'complaints') }}
),

renamed as (
    select
        complaint_no,
        case_no,
        unit_code,
        complaint_kind,
        channel,
        filed_at,
        status,
        handled_at,
        finding,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
