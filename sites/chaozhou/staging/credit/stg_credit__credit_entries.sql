{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('credit', 'xyjl') }}
),

renamed as (
    select
        jlbh as entry_no,
        tyshxydm as credit_code,
        jllx as entry_kind,
        sy as reason,
        rdrq as found_on,
        yxqz as valid_until,
        gxsj as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
