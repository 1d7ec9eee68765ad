with source as (
    select * from {{ source('housing_bureau', 'yw_sqb') }}
    where lqfs is not null or lqsj is not null
),

renamed as (
    select
        {{ as_kind('collections', {
            'application_no': 'ywh',
            'item_code': 'sxdm',
            'collector_name': 'lqr',
            'collector_id_no': 'lqzjhm',
            'collection_method': code('housing_bureau', 'channel', 'lqfs'),
            'collected_at': 'lqsj',
            'region_code': region_code('qhdm'),
            'source_record_version': '1',
            'source_written_at': 'gxsj'
        }) }}
    from source
)

select * from renamed
