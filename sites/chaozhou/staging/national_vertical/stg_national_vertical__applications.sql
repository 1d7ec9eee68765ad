with source as (
    select * from {{ source('national_vertical', 'sq') }}
),

renamed as (
    select
        {{ as_kind('applications', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'item_name': filled('SXMC'),
            'applicant_type': code('national_vertical', 'applicant_type', 'SQRLB'),
            'applicant_name': filled('SQRXM'),
            'applicant_id_type': code('national_vertical', 'certificate_type', 'ZJLB'),
            'applicant_id_no': filled('ZJHM'),
            'contact_name': filled('LXR'),
            'contact_mobile': filled('LXDH'),
            'project_name': filled('XMMC'),
            'material_list': filled('CLMX'),
            'channel': code('national_vertical', 'channel', 'SQFS'),
            'receipt_no': 'LSH',
            'applied_at': 'SQSJ',
            'station_name': filled('CSMC'),
            'region_code': region_code('XZQH'),
            'unit_code': filled('JGDM'),
            'account_id': filled('YHBS'),
            'remark': filled('BEIZHU'),
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
