-- 户以证件号码归一后的假名为准：15 位与 18 位号码、信用代码与组织机构代码是同一户；没有号码的按网页各算一户。
with enterprises as (
    select identity_key
    from {{ ref('int_identity_keys') }}
    where identity_kind = 'legal_person' and length(id_no) = 18 and substr(id_no, 1, 2) = '91'
    union
    select keys.identity_key
    from {{ ref('int_legal_persons_latest') }} as persons
    inner join {{ ref('int_identity_keys') }} as keys on {{ written_identifier('persons.credit_code') }} = keys.id_no
    where persons.legal_person_type = '企业'
),

accounts as (
    select record_key as account_id, identity_key
    from {{ ref('int_owner_records') }}
    where owner_role = 'account'
)

select
    pages.page_id,
    'all' as subject,
    pages.page_kind,
    coalesce(accounts.identity_key, pages.page_id) as holder_key,
    pages.region_code,
    coalesce(regions.county_code, '{{ var('division') }}') as county_code,
    cast(pages.opened_at as date) as opened_on,
    case when pages.status = 'closed' then cast(pages.source_written_at as date) end as closed_on,
    pages.page_kind = 'enterprise' and enterprises.identity_key is not null as is_enterprise,
    pages.page_kind = 'citizen' as is_citizen,
    pages._load_id as load_id
from {{ ref('int_personal_pages_latest') }} as pages
left join accounts on pages.account_id = accounts.account_id
left join {{ ref('dim_regions') }} as regions on pages.region_code = regions.region_code
left join enterprises on accounts.identity_key = enterprises.identity_key
