with source as (
    select * from {{ source('national_vertical', 'tj') }}
),

renamed as (
    select
        {{ as_kind('special_procedure_results', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'sequence_no': 'XH',
            'outcome': filled('JG'),
            'outcome_at': 'CSSJ',
            'ended_at': 'SJ',
            'fee_amount': filled('SF'),
            'region_code': region_code('XZQH'),
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
