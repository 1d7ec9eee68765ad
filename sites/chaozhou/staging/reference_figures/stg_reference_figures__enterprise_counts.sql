{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('reference_figures', 'enterprise_counts') }}
),

renamed as (
    select
        {{ adapter.quote('年月') }} as month,
        {{ adapter.quote('区划') }} as region_code,
        {{ adapter.quote('企业数') }} as enterprise_count,
        {{ adapter.quote('来源') }} as publisher,
        _file_date,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
