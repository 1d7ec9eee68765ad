{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('investment_projects', 'xm_bj') }}
),

renamed as (
    select
        xmdm as project_code,
        sblsh as case_no,
        sxbm as item_code,
        jd as project_stage,
        gxsj as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
