{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('watch', 'source_standings') }}
),

renamed as (
    select
        name as system_name,
        title as source_title,
        owner as owner_name,
        system_title,
        connector,
        state,
        error as trouble,
        tables as table_count,
        rows as row_count,
        deleted as deleted_count,
        remarks as remark_count,
        last_rows_at,
        silent_since,
        silent_after_hours,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
