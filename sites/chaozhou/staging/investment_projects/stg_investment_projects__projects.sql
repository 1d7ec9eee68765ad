{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('investment_projects', 'xm') }}
),

renamed as (
    select
        xmdm as project_code,
        xmmc as project_name,
        xmdw as builder_credit_code,
        xmlx as project_kind,
        ztz_wy as investment_10k_yuan,
        xmzt as project_stage,
        cjsj as begun_at,
        gxsj as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
