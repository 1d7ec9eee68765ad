with source as (
    select * from {{ source('housing_bureau', 'yw_sqb') }}
    where slzt is not null or slsj is not null
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('acceptances', {
            'application_no': 'ywh',
            'item_code': 'sxdm',
            'unit_name': 'known_unit_name',
            'unit_code': 'bmdm',
            'region_code': region_code('qhdm'),
            'handler_name': 'slr',
            'status': code('housing_bureau', 'acceptance_status', 'slzt'),
            'refusal_reason': 'bslyy',
            'receipt_no': 'slhz',
            'accepted_at': 'slsj',
            'limit_value': 'blsx',
            'limit_unit': code('housing_bureau', 'limit_unit', 'sxdw'),
            'material_list': 'slclqd',
            'source_record_version': '1',
            'source_written_at': 'gxsj'
        }) }}
    from source
    left join units on source.bmdm = units.known_unit_code
)

select * from renamed
