with source as (
    select * from {{ source('civil_affairs', 'mz_banjian') }}
),

renamed as (
    select
        {{ as_kind('applications', {
            'application_no': 'bjbh',
            'item_code': 'sxdm',
            'item_name': 'sxmc',
            'applicant_type': code('civil_affairs', 'applicant_type', 'sqrxz'),
            'applicant_name': 'sqr',
            'applicant_id_type': code('civil_affairs', 'certificate_type', 'zjzl'),
            'applicant_id_no': 'zjhm',
            'contact_name': 'lianxiren',
            'contact_mobile': 'shouji',
            'project_name': 'xmmc',
            'material_list': 'clmx',
            'channel': code('civil_affairs', 'channel', 'sqqd'),
            'receipt_no': 'bjbh',
            'applied_at': 'sqsj',
            'station_name': 'wangdian',
            'region_code': region_code('xzqh'),
            'unit_code': 'zzjgdm',
            'account_id': 'yhbh',
            'remark': 'bz',
            'source_record_version': '1',
            'source_written_at': 'xgsj'
        }) }}
    from source
)

select * from renamed
