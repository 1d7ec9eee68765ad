{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('legal_person_register', 'fr_jbxx') }}
),

renamed as (
    select
        tyshxydm as credit_code,
        zzjgdm as organisation_code,
        mc as legal_person_name,
        lx as legal_person_type,
        zczb_wy as registered_capital_10k_yuan,
        djjg as registration_authority,
        zt as legal_person_status,
        gxsj as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
