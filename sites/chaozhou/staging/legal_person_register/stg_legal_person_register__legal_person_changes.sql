{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('legal_person_register', 'fr_bgjl') }}
),

renamed as (
    select
        bgxh as change_no,
        tyshxydm as credit_code,
        bglx as change_kind,
        glxydm as other_credit_code,
        js as party,
        yzch as registration_no,
        bgsj as changed_at,
        gxsj as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
