{% set q = adapter.quote %}
-- 登记表没有材料清单与项目名称：分别以「办事登记表」与事项名称代之。
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no,
        {{ matches(filled(q('证件号')), '^([1-8][0-9]{5}(19|20)[0-9]{9}[0-9Xx]|[1-8][0-9]{14})$') }} as is_person
    from {{ source('village_station', 'register') }}
),

renamed as (
    select
        {{ as_kind('applications', {
            'application_no': 'case_no',
            'item_code': filled(q('事项编码')),
            'item_name': filled(q('事项名称')),
            'applicant_type': "case when is_person then '1' else '2' end",
            'applicant_name': filled(q('姓名')),
            'applicant_id_type': "case when is_person then '1' else '001' end",
            'applicant_id_no': filled(q('证件号')),
            'contact_name': filled(q('姓名')),
            'contact_mobile': filled(q('手机')),
            'project_name': filled(q('事项名称')),
            'material_list': "'办事登记表'",
            'channel': code('village_station', 'channel', filled(q('办理途径'))),
            'receipt_no': 'case_no',
            'applied_at': written_time(q('申请时间')),
            'station_name': 'known_unit_name',
            'region_code': 'known_region_code',
            'unit_code': 'named_unit_code',
            'remark': filled(q('备注')),
            'source_record_version': file_version('_file_date'),
            'source_written_at': written_time(q('填报时间'))
        }) }}
    from {{ with_its_unit('source') }}
)

select * from renamed
