with source as (
    select * from {{ source('national_vertical', 'sp') }}
),

renamed as (
    select
        {{ as_kind('approval_steps', {
            'application_no': 'LSH',
            'item_code': 'SXDM',
            'step_code': code('national_vertical', 'approval_step', 'HJ'),
            'step_name': filled('HJMC'),
            'unit_name': filled('JGMC'),
            'unit_code': filled('JGDM'),
            'region_code': region_code('XZQH'),
            'handler_name': filled('SPR'),
            'post_code': filled('ZWDM'),
            'post_name': filled('ZW'),
            'opinion': filled('YJ'),
            'handled_at': 'SJ',
            'status': code('national_vertical', 'approval_status', 'JL'),
            'step_no': 'XH',
            'source_record_version': 'XFPC',
            'source_written_at': 'XFSJ'
        }) }}
    from source
)

select * from renamed
