with source as (
    select * from {{ source('national_vertical', 'bj') }}
),

renamed as (
    select
        {{ as_kind('closings', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'unit_name': filled('JGMC'),
            'unit_code': filled('JGDM'),
            'region_code': region_code('XZQH'),
            'result': code('national_vertical', 'closing_result', 'JG'),
            'result_note': filled('JGSM'),
            'return_reason': filled('THYY'),
            'licence_name': filled('ZZMC'),
            'licence_no': filled('ZZBH'),
            'licence_validity': filled('YXQ'),
            'issuing_unit': filled('FZJG'),
            'fee_amount': 'FY',
            'closed_at': 'SJ',
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
