{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('physical_hall', 'queue_tickets') }}
),

renamed as (
    select
        ticket_no,
        hall_code as hall_region_code,
        printed_no,
        item_name,
        unit_code,
        taken_at,
        called_at,
        window_no,
        served_at,
        case state when '等候' then 'waiting' when '已叫号' then 'called' when '已办理' then 'served' when '过号' then 'passed_over' else state end as ticket_state,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
