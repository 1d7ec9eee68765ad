with source as (
    select * from {{ source('civil_affairs', 'mz_buzheng') }}
    where bqsj is not null or bqr is not null
),

renamed as (
    select
        {{ as_kind('supplement_receipts', {
            'application_no': 'bjbh',
            'item_code': 'sxdm',
            'handler_name': 'bqr',
            'material_list': 'bqcl',
            'received_at': 'bqsj',
            'region_code': region_code('xzqh'),
            'place': 'bqdd',
            'sequence_no': 'cs',
            'source_record_version': '1',
            'source_written_at': 'xgsj'
        }) }}
    from source
)

select * from renamed
