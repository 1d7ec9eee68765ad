{% set q = adapter.quote %}
with source as (
    select * from {{ source('provincial_vertical', 'aj') }}
    where {{ q('办结结论') }} is not null or {{ q('办结时间') }} is not null
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('closings', {
            'application_no': q('受理号'),
            'item_code': q('事项代码'),
            'unit_name': 'known_unit_name',
            'unit_code': q('机构代码'),
            'region_code': region_code(q('行政区划')),
            'result': code('provincial_vertical', 'closing_result', q('办结结论')),
            'result_note': q('结论说明'),
            'return_reason': q('退回理由'),
            'licence_name': q('证书名称'),
            'licence_no': q('证书编号'),
            'licence_validity': q('有效期'),
            'issuing_unit': q('发证机关'),
            'fee_amount': q('收费'),
            'closed_at': q('办结时间'),
            'source_record_version': q('下发批次'),
            'source_written_at': q('更新时间')
        }) }}
    from source
    left join units on source.{{ q('机构代码') }} = units.known_unit_code
)

select * from renamed
