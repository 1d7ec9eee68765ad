{% set q = adapter.quote %}
with source as (
    select
        *,
        {{ filled(q('受理编号')) }} as case_no
    from {{ source('town_station', 'register') }}
    where {{ filled(q('领取日期')) }} is not null
),

units as (
    select unit_code as known_unit_code, region_code as known_region_code from {{ ref('units') }}
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
            'collection_method': code('town_station', 'channel', filled(q('领取方式'))),
            'collected_at': parse_time(filled(q('领取日期')), 'yyyy-MM-dd HH:mm'),
            'region_code': 'known_region_code',
            'source_record_version': file_version('_file_date'),
            'source_written_at': '_file_date'
        }) }}
    from located
)

select * from renamed
