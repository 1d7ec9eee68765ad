-- 每个事件都是一个环节；任务编号（task-42933）去掉前缀即步骤号。组别为 EMPTY 即日志未记部门。
with source as (
    select * from {{ source('receipt_log', 'events') }}
),

items as (
    select * from {{ ref('receipt_log_items') }}
),

renamed as (
    select
        {{ as_kind('approval_steps', {
            'application_no': filled(adapter.quote('case:concept:name')),
            'item_code': 'items.item_code',
            'step_code': code('receipt_log', 'approval_step', filled(adapter.quote('concept:name'))),
            'step_name': filled(adapter.quote('concept:name')),
            'unit_name': "nullif(" ~ filled(adapter.quote('org:group')) ~ ", 'EMPTY')",
            'unit_code': code('receipt_log', 'unit', "nullif(" ~ filled(adapter.quote('org:group')) ~ ", 'EMPTY')"),
            'region_code': 'items.region_code',
            'handler_name': filled(adapter.quote('org:resource')),
            'handled_at': zoned_time(adapter.quote('time:timestamp'), 'Europe/Amsterdam'),
            'step_no': "try_cast(split_part(" ~ adapter.quote('concept:instance') ~ ", '-', 2) as int)"
        }) }}
    from source
    cross join items
)

select * from renamed
