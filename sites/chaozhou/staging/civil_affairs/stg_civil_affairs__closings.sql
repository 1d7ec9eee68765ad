-- 办结时间为 0000-00-00 的（办件员未填），落地时为空。
with source as (
    select * from {{ source('civil_affairs', 'mz_banjian') }}
    where bjjg is not null or bjsj is not null
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('closings', {
            'application_no': 'bjbh',
            'item_code': 'sxdm',
            'unit_name': 'known_unit_name',
            'unit_code': 'zzjgdm',
            'region_code': region_code('xzqh'),
            'result': code('civil_affairs', 'closing_result', 'bjjg'),
            'result_note': 'bjsm',
            'return_reason': 'tjyy',
            'licence_name': 'zzmc',
            'licence_no': 'zzbh',
            'licence_validity': 'zzyxq',
            'issuing_unit': 'fzjg',
            'fee_amount': 'fy',
            'closed_at': 'bjsj',
            'source_record_version': '1',
            'source_written_at': 'xgsj'
        }) }}
    from source
    left join units on source.zzjgdm = units.known_unit_code
)

select * from renamed
