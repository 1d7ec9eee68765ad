{% set q = adapter.quote %}
-- 登记表没有材料清单与项目名称：分别以「办事登记表」与事项名称代之。
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no,
        {{ filled(q('事项名称')) }} as named_item,
        {{ filled(q('申请人')) }} as applicant,
        {{ filled(q('证件号码')) }} as id_no,
        {{ matches(filled(q('证件号码')), '^([1-8][0-9]{5}(19|20)[0-9]{9}[0-9Xx]|[1-8][0-9]{14})$') }} as is_person
    from {{ source('town_station', 'register') }}
),

renamed as (
    select
        {{ as_kind('applications', {
            'application_no': 'case_no',
            'item_code': filled(q('事项编码')),
            'item_name': 'named_item',
            'applicant_type': "case when is_person then '1' else '2' end",
            'applicant_name': 'applicant',
            'applicant_id_type': "case when is_person then '1' else '001' end",
            'applicant_id_no': 'id_no',
            'contact_name': 'applicant',
            'contact_mobile': filled(q('联系电话')),
            'project_name': 'named_item',
            'material_list': "'办事登记表'",
            'channel': code('town_station', 'channel', filled(q('办理方式'))),
            'receipt_no': 'case_no',
            'applied_at': parse_time("concat(trim(" ~ q('申请日期') ~ "), ' ', trim(" ~ q('申请时间') ~ "))", 'yyyy-MM-dd HH:mm'),
            'station_name': 'known_unit_name',
            'region_code': 'known_region_code',
            'unit_code': 'named_unit_code',
            'remark': filled(q('备注')),
            'source_record_version': file_version('_file_date'),
            'source_written_at': '_file_date'
        }) }}
    from {{ with_its_unit('source') }}
)

select * from renamed
