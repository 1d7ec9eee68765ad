{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('item_catalogue', 'standards') }}
),

renamed as (
    select
        standard_no,
        item_code,
        item_version,
        edition_kind,
        stage,
        stage_number,
        entered_at,
        confirmed_at,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
