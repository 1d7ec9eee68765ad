{% set q = adapter.quote %}
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no
    from {{ source('village_station', 'register') }}
    where coalesce({{ filled(q('办理结果')) }}, {{ filled(q('办结时间')) }}) is not null
),

units as (
    select
        unit_code as known_unit_code,
        unit_name as known_unit_name,
        region_code as known_region_code
    from {{ ref('units') }}
),

located as (
    select
        source.*,
        units.*
    from source
    left join units on substr(source.case_no, 10, 9) = units.known_unit_code
),

renamed as (
    select
        {{ as_kind('closings', {
            'application_no': 'case_no',
            'item_code': filled(q('事项编码')),
            'unit_name': 'known_unit_name',
            'unit_code': 'substr(case_no, 10, 9)',
            'region_code': 'known_region_code',
            'result': code('village_station', 'closing_result', filled(q('办理结果'))),
            'return_reason': filled(q('退件原因')),
            'fee_amount': '0',
            'closed_at': written_time(q('办结时间')),
            'source_record_version': file_version('_file_date'),
            'source_written_at': written_time(q('填报时间'))
        }) }}
    from located
)

select * from renamed
