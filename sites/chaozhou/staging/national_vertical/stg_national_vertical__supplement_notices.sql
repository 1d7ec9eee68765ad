with source as (
    select * from {{ source('national_vertical', 'gz') }}
),

renamed as (
    select
        {{ as_kind('supplement_notices', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'sequence_no': 'XH',
            'handler_name': filled('JBR'),
            'notice_reason': filled('YY'),
            'material_list': filled('CLMX'),
            'noticed_at': 'SJ',
            'region_code': region_code('XZQH'),
            'limit_note': filled('QX'),
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
