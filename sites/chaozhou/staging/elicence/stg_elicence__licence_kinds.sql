{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('elicence', 'kinds') }}
),

renamed as (
    select
        kind_code,
        kind_name,
        issuing_unit,
        is_issuing,
        is_using,
        planned_on,
        opened_on,
        status,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
