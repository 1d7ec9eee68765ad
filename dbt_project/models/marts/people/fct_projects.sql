{# 一个项目跨部门的全过程：从最早的申办到最后的办结。平台已撤下而仍有办件的项目也在，is_registered 为否。 #}
with cases as (
    select
        links.project_code,
        cast(count(*) as int) as case_count,
        cast(count(cases.case_no) as int) as known_case_count,
        cast(count(cases.closed_at) as int) as closed_count,
        cast(count(distinct cases.unit_code) as int) as unit_count,
        cast(count(distinct cases.item_code) as int) as item_count,
        min(cases.applied_at) as first_applied_at,
        max(cases.closed_at) as last_closed_at
    from {{ ref('int_project_cases_latest') }} as links
    left join {{ ref('fct_cases') }} as cases on links.case_no = cases.case_no
    where links.project_code is not null
    group by links.project_code
),

deals as (
    select
        project_code,
        cast(count(*) as int) as deal_count,
        cast(count_if(price_10k_yuan is not null) as int) as closed_deal_count,
        cast(sum(price_10k_yuan) as decimal(18, 2)) as deal_price_10k_yuan
    from {{ ref('int_deals_latest') }}
    where project_code is not null
    group by project_code
),

codes as (
    select project_code from {{ ref('int_projects_latest') }}
    union
    select project_code from cases
    union
    select project_code from deals
),

timed as (
    select
        codes.project_code,
        projects.project_code is not null as is_registered,
        projects.project_kind,
        projects.project_stage,
        projects.investment_10k_yuan,
        projects.begun_at,
        projects.builder_credit_code,
        cases.case_count,
        cases.known_case_count,
        cases.closed_count,
        cases.unit_count,
        cases.item_count,
        cases.first_applied_at,
        case when cases.closed_count = cases.case_count then cases.last_closed_at end as completed_at
    from codes
    left join {{ ref('int_projects_latest') }} as projects on codes.project_code = projects.project_code
    left join cases on codes.project_code = cases.project_code
)

select
    timed.project_code,
    timed.is_registered,
    timed.project_kind,
    timed.project_stage,
    timed.investment_10k_yuan,
    timed.begun_at,
    case when identities.owner_kind = 'legal_person' then identities.owner_key end as legal_person_key,
    coalesce(timed.case_count, 0) as case_count,
    coalesce(timed.known_case_count, 0) as known_case_count,
    coalesce(timed.closed_count, 0) as closed_count,
    coalesce(timed.unit_count, 0) as unit_count,
    coalesce(timed.item_count, 0) as item_count,
    timed.first_applied_at,
    timed.completed_at,
    cast({{ days_between('timed.first_applied_at', 'timed.completed_at') }} as int) as natural_days,
    cast(ends.working_day_no - begins.working_day_no as int) as working_days,
    coalesce(deals.deal_count, 0) as deal_count,
    coalesce(deals.closed_deal_count, 0) as closed_deal_count,
    deals.deal_price_10k_yuan
from timed
left join {{ ref('int_identities') }} as identities
    on {{ written_identifier('timed.builder_credit_code') }} = identities.id_no
left join {{ ref('dim_dates') }} as begins on cast(timed.first_applied_at as date) = begins.date_on
left join {{ ref('dim_dates') }} as ends on cast(timed.completed_at as date) = ends.date_on
left join deals on timed.project_code = deals.project_code
