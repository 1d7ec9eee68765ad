with source as (
    select * from {{ source('civil_affairs', 'mz_banjian') }}
    where lqfs is not null or lqsj is not null
),

renamed as (
    select
        {{ as_kind('collections', {
            'application_no': 'bjbh',
            'item_code': 'sxdm',
            'collector_name': 'lqr',
            'collector_id_no': 'lqzj',
            'collection_method': code('civil_affairs', 'channel', 'lqfs'),
            'collected_at': 'lqsj',
            'region_code': region_code('xzqh'),
            'source_record_version': '1',
            'source_written_at': 'xgsj'
        }) }}
    from source
)

select * from renamed
