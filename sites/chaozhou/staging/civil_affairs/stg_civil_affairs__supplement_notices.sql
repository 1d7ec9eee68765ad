with source as (
    select * from {{ source('civil_affairs', 'mz_buzheng') }}
),

renamed as (
    select
        {{ as_kind('supplement_notices', {
            'application_no': 'bjbh',
            'item_code': 'sxdm',
            'handler_name': 'gzr',
            'notice_reason': 'gzyy',
            'material_list': 'gzcl',
            'noticed_at': 'gzsj',
            'region_code': region_code('xzqh'),
            'sequence_no': 'cs',
            'limit_note': 'qx',
            'source_record_version': '1',
            'source_written_at': 'xgsj'
        }) }}
    from source
)

select * from renamed
