with source as (
    select * from {{ source('elicence', 'licences') }}
),

renamed as (
    select
        licence_no,
        licence_kind,
        issue_way,
        item_code,
        case_no,
        holder_id_no,
        cast(issued_at as timestamp) as issued_at,
        cast(valid_until as date) as valid_until,
        status,
        cast(updated_at as timestamp) as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
