with source as (
    select * from {{ source('national_vertical', 'bz') }}
),

renamed as (
    select
        {{ as_kind('supplement_receipts', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'sequence_no': 'XH',
            'handler_name': filled('JBR'),
            'material_list': filled('CLMX'),
            'received_at': 'SJ',
            'region_code': region_code('XZQH'),
            'place': filled('DD'),
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
