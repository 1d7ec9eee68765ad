-- 日志中没有不予受理，每个办件的法定期限都自开始之日起算：开始即受理。期限在日志中是一个日期，不是天数。
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
        {{ as_kind('acceptances', {
            'application_no': filled(adapter.quote('case:concept:name')),
            'item_code': 'items.item_code',
            'unit_name': filled(adapter.quote('case:department')),
            'unit_code': code('receipt_log', 'unit', filled(adapter.quote('case:department'))),
            'region_code': 'items.region_code',
            'handler_name': filled(adapter.quote('case:responsible')),
            'status': "'1'",
            'accepted_at': zoned_time(adapter.quote('case:startdate'), 'Europe/Amsterdam'),
            'declared_due_at': zoned_time(adapter.quote('case:deadline'), 'Europe/Amsterdam')
        }) }}
    from events
    cross join items
    where events.place = 1
)

select * from renamed
