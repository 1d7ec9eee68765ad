{% set q = adapter.quote %}
with source as (
    select * from {{ source('provincial_vertical', 'aj') }}
    where {{ q('预审结论') }} is not null or {{ q('预审时间') }} is not null
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('pre_acceptances', {
            'application_no': q('受理号'),
            'item_code': q('事项代码'),
            'unit_name': 'known_unit_name',
            'unit_code': q('机构代码'),
            'region_code': region_code(q('行政区划')),
            'handler_name': q('预审人'),
            'status': code('provincial_vertical', 'pre_acceptance_status', q('预审结论')),
            'refusal_reason': q('不受理原因'),
            'pre_accepted_at': q('预审时间'),
            'source_record_version': q('下发批次'),
            'source_written_at': q('更新时间')
        }) }}
    from source
    left join units on source.{{ q('机构代码') }} = units.known_unit_code
)

select * from renamed
