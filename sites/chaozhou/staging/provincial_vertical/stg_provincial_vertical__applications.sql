{% set q = adapter.quote %}
with source as (
    select * from {{ source('provincial_vertical', 'aj') }}
),

renamed as (
    select
        {{ as_kind('applications', {
            'application_no': q('受理号'),
            'item_code': q('事项代码'),
            'item_name': q('事项名称'),
            'applicant_type': code('provincial_vertical', 'applicant_type', q('申请人类别')),
            'applicant_name': q('申请单位'),
            'applicant_id_type': code('provincial_vertical', 'certificate_type', q('证照类别')),
            'applicant_id_no': q('证照号码'),
            'contact_name': q('联系人'),
            'contact_mobile': q('联系手机'),
            'project_name': q('项目'),
            'material_list': q('材料'),
            'channel': code('provincial_vertical', 'channel', q('提交渠道')),
            'receipt_no': q('受理号'),
            'applied_at': q('提交时间'),
            'station_name': q('网点'),
            'region_code': region_code(q('行政区划')),
            'unit_code': q('机构代码'),
            'remark': q('备注'),
            'source_record_version': q('下发批次'),
            'source_written_at': q('更新时间')
        }) }}
    from source
)

select * from renamed
