{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('market_supervision', 'jcjl') }}
),

renamed as (
    select
        jcbh as inspection_no,
        tyshxydm as credit_code,
        jclx as inspection_kind,
        jcsj as inspected_at,
        jg as finding,
        gxsj as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
