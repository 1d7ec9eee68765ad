{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('physical_hall', 'windows') }}
),

renamed as (
    select
        window_no,
        hall_code as hall_region_code,
        hall_name,
        window_name,
        unit_code,
        floor,
        case window_kind when '综合窗口' then 'comprehensive' when '部门窗口' then 'department' else window_kind end as window_kind,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
