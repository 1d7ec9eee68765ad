{% set q = adapter.quote %}
with source as (
    select * from {{ source('provincial_vertical', 'lc') }}
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('approval_steps', {
            'application_no': q('受理号'),
            'item_code': q('事项代码'),
            'step_code': code('provincial_vertical', 'approval_step', q('环节')),
            'step_name': q('环节'),
            'unit_name': 'known_unit_name',
            'unit_code': q('机构代码'),
            'region_code': region_code(q('行政区划')),
            'handler_name': q('处理人'),
            'post_code': q('职务代码'),
            'post_name': q('职务'),
            'opinion': q('意见'),
            'handled_at': q('处理时间'),
            'status': code('provincial_vertical', 'approval_status', q('结论')),
            'step_no': q('序号'),
            'source_record_version': q('下发批次'),
            'source_written_at': q('更新时间')
        }) }}
    from source
    left join units on source.{{ q('机构代码') }} = units.known_unit_code
)

select * from renamed
