with source as (
    select * from {{ source('civil_affairs', 'mz_liucheng') }}
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('approval_steps', {
            'application_no': 'bjbh',
            'item_code': 'sxdm',
            'step_code': code('civil_affairs', 'approval_step', 'hj'),
            'step_name': 'hj',
            'unit_name': 'known_unit_name',
            'unit_code': 'zzjgdm',
            'region_code': region_code('xzqh'),
            'handler_name': 'clr',
            'post_code': 'zwdm',
            'post_name': 'zw',
            'opinion': 'yj',
            'handled_at': 'clsj',
            'status': code('civil_affairs', 'approval_status', 'jl'),
            'step_no': 'xh',
            'source_record_version': '1',
            'source_written_at': 'xgsj'
        }) }}
    from source
    left join units on source.zzjgdm = units.known_unit_code
)

select * from renamed
