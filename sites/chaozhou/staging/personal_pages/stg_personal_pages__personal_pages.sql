{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('personal_pages', 'pages') }}
),

renamed as (
    select
        page_id,
        page_kind,
        account_id,
        opened_at,
        status,
        region_code,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
