{% set q = adapter.quote %}
-- 村居事项都是即办件：时限为 1 个工作日。
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no
    from {{ source('village_station', 'register') }}
    where coalesce({{ filled(q('受理意见')) }}, {{ filled(q('受理时间')) }}) is not null
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
            'status': code('village_station', 'acceptance_status', filled(q('受理意见'))),
            'refusal_reason': filled(q('备注')),
            'receipt_no': 'case_no',
            'accepted_at': written_time(q('受理时间')),
            'limit_value': '1',
            'limit_unit': "'G'",
            'material_list': "'办事登记表'",
            'source_record_version': file_version('_file_date'),
            'source_written_at': written_time(q('填报时间'))
        }) }}
    from {{ with_its_unit('source') }}
)

select * from renamed
