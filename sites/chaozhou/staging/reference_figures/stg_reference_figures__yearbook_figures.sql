{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('reference_figures', 'yearbook_2010') }}
),

renamed as (
    select
        {{ adapter.quote('年份') }} as year,
        {{ adapter.quote('指标') }} as figure,
        {{ adapter.quote('区划') }} as region_code,
        {{ adapter.quote('数值') }} as figure_value,
        {{ adapter.quote('单位') }} as unit_of_count,
        _file_date,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
