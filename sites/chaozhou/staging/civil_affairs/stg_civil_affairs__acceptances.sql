with source as (
    select * from {{ source('civil_affairs', 'mz_banjian') }}
    where slzt is not null or slsj is not null
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('acceptances', {
            'application_no': 'bjbh',
            'item_code': 'sxdm',
            'unit_name': 'known_unit_name',
            'unit_code': 'zzjgdm',
            'region_code': region_code('xzqh'),
            'handler_name': 'slr',
            'status': code('civil_affairs', 'acceptance_status', 'slzt'),
            'refusal_reason': 'bslyy',
            'receipt_no': 'slhz',
            'accepted_at': 'slsj',
            'limit_value': 'cnts',
            'limit_unit': code('civil_affairs', 'limit_unit', 'cndw'),
            'material_list': 'slcl',
            'source_record_version': '1',
            'source_written_at': 'xgsj'
        }) }}
    from source
    left join units on source.zzjgdm = units.known_unit_code
)

select * from renamed
