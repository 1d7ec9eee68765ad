{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('channels', 'page_checks') }}
),

renamed as (
    select
        check_no,
        channel,
        item_code,
        checked_at,
        is_reachable,
        problem,
        mended_at,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
