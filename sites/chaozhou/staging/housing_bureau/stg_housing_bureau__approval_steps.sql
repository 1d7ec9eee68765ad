-- 步骤表不含事项与部门：事项编码、部门代码取自业务号（申办流水号）中所含的两段，区划取自部门所在。
with source as (
    select * from {{ source('housing_bureau', 'yw_lcb') }}
),

renamed as (
    select
        {{ as_kind('approval_steps', {
            'application_no': 'ywh',
            'item_code': "concat(substr(ywh, 1, 19), case when substr(known_region_code, 5, 2) = '00' then '3' else '4' end, substr(known_region_code, 1, 6))",
            'step_code': code('housing_bureau', 'approval_step', 'hjdm'),
            'step_name': 'hjmc',
            'unit_name': 'known_unit_name',
            'unit_code': 'known_unit_code',
            'region_code': 'known_region_code',
            'handler_name': 'clr',
            'post_code': 'zwdm',
            'post_name': 'zwmc',
            'opinion': 'clyj',
            'handled_at': 'clsj',
            'status': code('housing_bureau', 'approval_status', 'clzt'),
            'step_no': 'bzh',
            'source_record_version': '1',
            'source_written_at': 'gxsj'
        }) }}
    from {{ with_its_unit('source', case_no='ywh') }}
)

select * from renamed
