-- 15 位身份证号码保持原样：是否有效由校验判断。
with source as (
    select * from {{ source('housing_bureau', 'yw_sqb') }}
),

renamed as (
    select
        {{ as_kind('applications', {
            'application_no': 'ywh',
            'item_code': 'sxdm',
            'item_name': 'sxmc',
            'applicant_type': code('housing_bureau', 'applicant_type', 'sqrlb'),
            'applicant_name': 'sqrxm',
            'applicant_id_type': code('housing_bureau', 'certificate_type', 'zjlb'),
            'applicant_id_no': 'zjhm',
            'contact_name': 'lxr',
            'contact_mobile': 'lxdh',
            'project_name': 'xmmc',
            'material_list': 'clqd',
            'channel': code('housing_bureau', 'channel', 'sqfs'),
            'receipt_no': 'ywh',
            'applied_at': 'sqsj',
            'station_name': 'wddm',
            'region_code': region_code('qhdm'),
            'unit_code': 'bmdm',
            'remark': 'bz',
            'source_record_version': '1',
            'source_written_at': 'gxsj'
        }) }}
    from source
)

select * from renamed
