-- 日志在每个事件上重复所属办件的各列：每次装载取其中一个事件。
with events as (
    select
        *,
        row_number() over (
            partition by {{ adapter.quote('case:concept:name') }}, _load_id
            order by {{ adapter.quote('concept:instance') }} asc nulls last
        ) as place
    from {{ source('receipt_log', 'events') }}
),

items as (
    select * from {{ ref('receipt_log_items') }}
),

renamed as (
    select
        {{ as_kind('applications', {
            'application_no': filled(adapter.quote('case:concept:name')),
            'item_code': 'items.item_code',
            'item_name': 'items.item_name',
            'channel': code('receipt_log', 'channel', filled(adapter.quote('case:channel'))),
            'applied_at': zoned_time(adapter.quote('case:startdate'), 'Europe/Amsterdam'),
            'region_code': 'items.region_code',
            'unit_code': code('receipt_log', 'unit', filled(adapter.quote('case:department')))
        }) }}
    from events
    cross join items
    where events.place = 1
)

select * from renamed
