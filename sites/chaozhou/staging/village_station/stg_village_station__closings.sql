{% set q = adapter.quote %}
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no
    from {{ source('village_station', 'register') }}
    where coalesce({{ filled(q('办理结果')) }}, {{ filled(q('办结时间')) }}) is not null
),

renamed as (
    select
        {{ as_kind('closings', {
            'application_no': 'case_no',
            'item_code': filled(q('事项编码')),
            'unit_name': 'known_unit_name',
            'unit_code': 'named_unit_code',
            'region_code': 'known_region_code',
            'result': code('village_station', 'closing_result', filled(q('办理结果'))),
            'return_reason': filled(q('退件原因')),
            'fee_amount': '0',
            'closed_at': written_time(q('办结时间')),
            'source_record_version': file_version('_file_date'),
            'source_written_at': written_time(q('填报时间'))
        }) }}
    from {{ with_its_unit('source') }}
)

select * from renamed
