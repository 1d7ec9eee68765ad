{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('sharing_platform', 'catalogue_entries') }}
),

renamed as (
    select
        entry_code,
        entry_title,
        provider_unit_code,
        level as level_name,
        share_kind,
        share_condition,
        data_format,
        published_on,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
