select
    connected.item_code,
    connected.unit_code,
    connected.connection_mode,
    connected.connected_on,
    items.item_code is not null as is_in_catalogue
from {{ ref('int_connected_items_latest') }} as connected
left join (
    select distinct item_code
    from {{ ref('dim_items') }}
) as items on connected.item_code = items.item_code
