with source as (
    select * from {{ source('national_vertical', 'sl') }}
),

renamed as (
    select
        {{ as_kind('acceptances', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'unit_name': filled('JGMC'),
            'unit_code': filled('JGDM'),
            'region_code': region_code('XZQH'),
            'handler_name': filled('JBR'),
            'status': code('national_vertical', 'acceptance_status', 'SLJL'),
            'refusal_reason': filled('BYLY'),
            'receipt_no': filled('HZH'),
            'accepted_at': 'SJ',
            'limit_value': 'SX',
            'limit_unit': code('national_vertical', 'limit_unit', 'SXDW'),
            'material_list': filled('CLMX'),
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
