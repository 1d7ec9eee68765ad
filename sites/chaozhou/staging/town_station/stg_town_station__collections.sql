{% set q = adapter.quote %}
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no
    from {{ source('town_station', 'register') }}
    where {{ filled(q('领取日期')) }} is not null
),

renamed as (
    select
        {{ as_kind('collections', {
            'application_no': 'case_no',
            'item_code': filled(q('事项编码')),
            'collection_method': code('town_station', 'channel', filled(q('领取方式'))),
            'collected_at': parse_time(filled(q('领取日期')), 'yyyy-MM-dd HH:mm'),
            'region_code': 'known_region_code',
            'source_record_version': file_version('_file_date'),
            'source_written_at': '_file_date'
        }) }}
    from {{ with_its_unit('source') }}
)

select * from renamed
