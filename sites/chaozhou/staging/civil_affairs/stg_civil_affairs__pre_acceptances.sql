with source as (
    select * from {{ source('civil_affairs', 'mz_banjian') }}
    where ysjg is not null or yssj is not null
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('pre_acceptances', {
            'application_no': 'bjbh',
            'item_code': 'sxdm',
            'unit_name': 'known_unit_name',
            'unit_code': 'zzjgdm',
            'region_code': region_code('xzqh'),
            'handler_name': 'ysr',
            'handler_no': 'ysgh',
            'status': code('civil_affairs', 'pre_acceptance_status', 'ysjg'),
            'refusal_reason': 'ysyy',
            'supplement_note': 'ysbz',
            'pre_accepted_at': 'yssj',
            'source_record_version': '1',
            'source_written_at': 'xgsj'
        }) }}
    from source
    left join units on source.zzjgdm = units.known_unit_code
)

select * from renamed
