{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('watch', 'worst_records') }}
),

renamed as (
    select
        record,
        record_key,
        version as record_version,
        case_no,
        source as system_name,
        unit_code,
        standing,
        code as receipt_code,
        rules,
        is_backfill,
        record_title,
        rule_titles,
        mends as rule_mends,
        due_at,
        arrived_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
