{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('watch', 'open_records') }}
),

renamed as (
    select
        record,
        source as system_name,
        unit_code,
        standing,
        code as receipt_code,
        rule,
        is_backfill,
        band,
        record_title,
        rule_title,
        mend as rule_mend,
        n as record_count,
        first_due_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
