with source as (
    select * from {{ source('unified_platform', 'ex_gdbs_lqdj') }}
),

renamed as (
    select
        {{ from_official('collections') }}
        cast(version as int) as source_record_version,
        cast(inserttime as timestamp) as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
