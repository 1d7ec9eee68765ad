{% set q = adapter.quote %}
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no
    from {{ source('town_station', 'register') }}
    where coalesce({{ filled(q('办结结果')) }}, {{ filled(q('办结日期')) }}) is not null
),

renamed as (
    select
        {{ as_kind('closings', {
            'application_no': 'case_no',
            'item_code': filled(q('事项编码')),
            'unit_name': 'known_unit_name',
            'unit_code': 'named_unit_code',
            'region_code': 'known_region_code',
            'result': code('town_station', 'closing_result', filled(q('办结结果'))),
            'return_reason': filled(q('退回原因')),
            'fee_amount': '0',
            'closed_at': parse_time(filled(q('办结日期')), 'yyyy-MM-dd HH:mm'),
            'source_record_version': file_version('_file_date'),
            'source_written_at': '_file_date'
        }) }}
    from {{ with_its_unit('source') }}
)

select * from renamed
