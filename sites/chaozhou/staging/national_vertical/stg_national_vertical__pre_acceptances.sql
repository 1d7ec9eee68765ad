with source as (
    select * from {{ source('national_vertical', 'ys') }}
),

renamed as (
    select
        {{ as_kind('pre_acceptances', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'unit_name': filled('JGMC'),
            'unit_code': filled('JGDM'),
            'region_code': region_code('XZQH'),
            'handler_name': filled('JBR'),
            'handler_no': filled('JBRBH'),
            'status': code('national_vertical', 'pre_acceptance_status', 'YSJL'),
            'refusal_reason': filled('BYLY'),
            'supplement_note': filled('BZNR'),
            'pre_accepted_at': 'YSSJ',
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
