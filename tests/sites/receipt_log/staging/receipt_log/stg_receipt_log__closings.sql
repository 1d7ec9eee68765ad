-- 日志只说办件结束，不说结果：代码表中的「办结」正是此意。无结束时间的办件没有办结。
with events as (
    select
        *,
        row_number() over (
            partition by {{ adapter.quote('case:concept:name') }}, _load_id
            order by {{ adapter.quote('concept:instance') }} asc nulls last
        ) as place
    from {{ source('receipt_log', 'events') }}
    where {{ filled(adapter.quote('case:enddate')) }} is not null
),

items as (
    select * from {{ ref('receipt_log_items') }}
),

renamed as (
    select
        {{ as_kind('closings', {
            'application_no': filled(adapter.quote('case:concept:name')),
            'item_code': 'items.item_code',
            'unit_name': filled(adapter.quote('case:department')),
            'unit_code': code('receipt_log', 'unit', filled(adapter.quote('case:department'))),
            'region_code': 'items.region_code',
            'result': "'6'",
            'closed_at': zoned_time(adapter.quote('case:enddate'), 'Europe/Amsterdam')
        }) }}
    from events
    cross join items
    where events.place = 1
)

select * from renamed
