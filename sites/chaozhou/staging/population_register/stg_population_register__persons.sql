{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('population_register', 'persons') }}
),

renamed as (
    select
        {{ adapter.quote('公民身份号码') }} as id_no,
        {{ adapter.quote('姓名') }} as person_name,
        {{ adapter.quote('性别') }} as sex,
        {{ adapter.quote('出生日期') }} as born_on,
        {{ adapter.quote('户籍区划') }} as household_region_code,
        {{ adapter.quote('住址') }} as address,
        _file_date,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
