{# One column has the reason of both refusals: only a refused pre-acceptance's is its own. #}
with source as (
    select * from {{ source('housing_bureau', 'yw_sqb') }}
    where yslzt is not null or yslsj is not null
),

units as (
    select unit_code as known_unit_code, unit_name as known_unit_name from {{ ref('units') }}
),

renamed as (
    select
        {{ as_kind('pre_acceptances', {
            'application_no': 'ywh',
            'item_code': 'sxdm',
            'unit_name': 'known_unit_name',
            'unit_code': 'bmdm',
            'region_code': region_code('qhdm'),
            'handler_name': 'yslr',
            'status': code('housing_bureau', 'pre_acceptance_status', 'yslzt'),
            'refusal_reason': "case when yslzt = '20' then bslyy end",
            'pre_accepted_at': 'yslsj',
            'source_record_version': '1',
            'source_written_at': 'gxsj'
        }) }}
    from source
    left join units on source.bmdm = units.known_unit_code
)

select * from renamed
