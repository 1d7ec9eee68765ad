{% set q = adapter.quote %}
with source as (
    select * from {{ source('provincial_vertical', 'aj') }}
    where {{ q('领证方式') }} is not null or {{ q('领证时间') }} is not null
),

renamed as (
    select
        {{ as_kind('collections', {
            'application_no': q('受理号'),
            'item_code': q('事项代码'),
            'collector_name': q('领证人'),
            'collector_id_no': q('领证人证件'),
            'collection_method': code('provincial_vertical', 'channel', q('领证方式')),
            'collected_at': q('领证时间'),
            'region_code': region_code(q('行政区划')),
            'source_record_version': q('下发批次'),
            'source_written_at': q('更新时间')
        }) }}
    from source
)

select * from renamed
