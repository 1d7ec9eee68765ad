with source as (
    select * from {{ source('national_vertical', 'lq') }}
),

renamed as (
    select
        {{ as_kind('collections', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'collector_name': filled('LQR'),
            'collector_id_type': code('national_vertical', 'certificate_type', 'ZJLB'),
            'collector_id_no': filled('ZJHM'),
            'collection_method': code('national_vertical', 'channel', 'FS'),
            'collected_at': 'SJ',
            'region_code': region_code('XZQH'),
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
