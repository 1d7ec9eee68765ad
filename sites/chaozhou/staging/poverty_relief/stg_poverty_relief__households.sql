{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('poverty_relief', 'households') }}
),

renamed as (
    select
        {{ adapter.quote('户编号') }} as household_no,
        {{ adapter.quote('户主姓名') }} as householder_name,
        {{ adapter.quote('户主身份号码') }} as householder_id_no,
        {{ adapter.quote('致贫原因') }} as cause,
        {{ adapter.quote('人口数') }} as person_count,
        {{ adapter.quote('识别日期') }} as listed_on,
        {{ adapter.quote('更新时间') }} as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
