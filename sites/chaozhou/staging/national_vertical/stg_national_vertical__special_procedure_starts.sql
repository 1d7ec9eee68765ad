with source as (
    select * from {{ source('national_vertical', 'tq') }}
),

renamed as (
    select
        {{ as_kind('special_procedure_starts', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'sequence_no': 'XH',
            'procedure_kind': code('national_vertical', 'special_procedure_kind', 'ZL'),
            'procedure_name': filled('ZLMC'),
            'started_at': 'SJ',
            'approver_name': filled('PZR'),
            'start_reason': filled('LY'),
            'request_content': filled('NR'),
            'limit_value': 'SX',
            'limit_unit': code('national_vertical', 'limit_unit', 'SXDW'),
            'region_code': region_code('XZQH'),
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
