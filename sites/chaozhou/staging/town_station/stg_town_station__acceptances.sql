{% set q = adapter.quote %}
-- 镇街事项都是即办件：时限为 1 个工作日。
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no
    from {{ source('town_station', 'register') }}
    where coalesce({{ filled(q('受理结果')) }}, {{ filled(q('受理日期')) }}) is not null
),

renamed as (
    select
        {{ as_kind('acceptances', {
            'application_no': 'case_no',
            'item_code': filled(q('事项编码')),
            'unit_name': 'known_unit_name',
            'unit_code': 'named_unit_code',
            'region_code': 'known_region_code',
            'handler_name': filled(q('受理人')),
            'status': code('town_station', 'acceptance_status', filled(q('受理结果'))),
            'refusal_reason': filled(q('备注')),
            'receipt_no': 'case_no',
            'accepted_at': parse_time(filled(q('受理日期')), 'yyyy-MM-dd HH:mm'),
            'limit_value': '1',
            'limit_unit': "'G'",
            'material_list': "'办事登记表'",
            'source_record_version': file_version('_file_date'),
            'source_written_at': '_file_date'
        }) }}
    from {{ with_its_unit('source') }}
)

select * from renamed
