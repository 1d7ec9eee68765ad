{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('physical_hall', 'visits') }}
),

renamed as (
    select
        visit_no,
        case_no,
        ticket_no,
        hall_code as hall_region_code,
        window_no,
        case purpose when '申请' then 'application' when '补交' then 'supplement' when '领取' then 'collection' else purpose end as purpose,
        visited_at,
        recorded_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
