with source as (
    select * from {{ source('unified_platform', 'ex_gdbs_sbcl') }}
),

renamed as (
    select
        {{ from_official('materials', lacks=[
            'ATTACH_NAME', 'ATTACH_ID', 'ATTACH_TYPE', 'ATTACH_PATH', 'SAVE_TYPE', 'ATTACH_SIGN', 'STUFF_SEQ',
            'SLBMZZJDDM', 'BZ', 'BYZD'
        ]) }}
        cast(version as int) as source_record_version,
        cast(inserttime as timestamp) as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
