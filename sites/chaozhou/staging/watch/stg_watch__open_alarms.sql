{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('watch', 'open_alarms') }}
),

renamed as (
    select
        alarm_id,
        kind as alarm_kind,
        source as system_name,
        unit_code,
        text as alarm_text,
        mend as alarm_mend,
        raised_at,
        told_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
