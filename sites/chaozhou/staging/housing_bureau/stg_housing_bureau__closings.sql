with source as (
    select * from {{ source('housing_bureau', 'yw_sqb') }}
    where bjjg is not null or bjsj is not null
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('closings', {
            'application_no': 'ywh',
            'item_code': 'sxdm',
            'unit_name': 'known_unit_name',
            'unit_code': 'bmdm',
            'region_code': region_code('qhdm'),
            'result': code('housing_bureau', 'closing_result', 'bjjg'),
            'result_note': 'jgms',
            'return_reason': 'thyy',
            'licence_name': 'zjmc',
            'licence_no': 'zjbh',
            'licence_validity': 'yxqz',
            'issuing_unit': 'fzdw',
            'fee_amount': 'sfje',
            'closed_at': 'bjsj',
            'source_record_version': '1',
            'source_written_at': 'gxsj'
        }) }}
    from source
    left join units on source.bmdm = units.known_unit_code
)

select * from renamed
