{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('elicence', 'uses') }}
),

renamed as (
    select
        use_no,
        licence_no,
        licence_kind,
        case_no,
        item_code,
        used_at,
        purpose,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
