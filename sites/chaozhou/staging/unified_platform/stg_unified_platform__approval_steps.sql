with source as (
    select * from {{ source('unified_platform', 'ex_gdbs_spcl') }}
),

renamed as (
    select
        {{ from_official('approval_steps') }}
        cast(version as int) as source_record_version,
        cast(inserttime as timestamp) as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
