{% set q = adapter.quote %}
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no
    from {{ source('village_station', 'register') }}
    where {{ filled(q('领取时间')) }} is not null
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
        {{ as_kind('collections', {
            'application_no': 'case_no',
            'item_code': filled(q('事项编码')),
            'collection_method': code('village_station', 'channel', filled(q('领取方式'))),
            'collected_at': written_time(q('领取时间')),
            'region_code': 'known_region_code',
            'source_record_version': file_version('_file_date'),
            'source_written_at': written_time(q('填报时间'))
        }) }}
    from located
)

select * from renamed
