{{ config(
    materialized='incremental', incremental_strategy='touched', unique_key=['legal_person_key'],
    meta={'replaces': 'owners'}
) }}
{# 类别先看登记库，不在册的看统一代码的登记管理部门与机构类别（第 1、2 位）。 #}
with records as (
    {{ naming_records() }}
),

everybody as (
    {{ with_owner('records') }}
),

owned as (
    select * from everybody
    where owner_kind = 'legal_person'
),

register_rows as (
    select
        owned.owner_key,
        legal_persons.legal_person_type,
        legal_persons.registered_capital_10k_yuan,
        row_number() over (
            partition by owned.owner_key
            order by legal_persons.source_written_at desc nulls last, legal_persons.credit_code asc
        ) as place
    from owned
    inner join {{ ref('int_legal_persons_latest') }} as legal_persons on owned.record_key = legal_persons.credit_code
    where owned.owner_role = 'legal_person'
),

written as (
    select owner_key, id_no, number_form, is_number_sound from owned
    union
    select applicant_key as owner_key, id_no, number_form, is_number_sound
    from {{ ref('int_case_applicants') }}
    where applicant_kind = 'legal_person' {{ touched_owners('applicant_key', and_=true) }}
),

numbers as (
    select
        owner_key,
        cast(count(*) as int) as number_count,
        bool_or(is_number_sound) as has_sound_number,
        bool_or(number_form = 'credit_code') as has_credit_code,
        bool_or(number_form = 'registration_no') as has_registration_no,
        min(case when number_form = 'credit_code' then substr(id_no, 1, 2) end) as code_class
    from written
    group by owner_key
),

accounts as (
    {{ accounts_of('legal_person') }}
),

licences as (
    {{ licences_of('legal_person') }}
),

projects as (
    select
        legal_person_key as owner_key,
        cast(count(*) as int) as project_count
    from {{ ref('fct_projects') }}
    where legal_person_key is not null {{ touched_owners('legal_person_key', and_=true) }}
    group by legal_person_key
),

deals as (
    select
        owner_key,
        cast(count(*) as int) as deal_won_count
    from owned
    where owner_role = 'deal'
    group by owner_key
),

supervision as (
    select
        owner_key,
        cast(count_if(entry_kind = '红名单') as int) as red_list_count,
        cast(count_if(entry_kind = '黑名单') as int) as black_list_count,
        cast(count_if(entry_kind = '行政处罚') as int) as penalty_count,
        cast(count_if(record_kind = 'inspection') as int) as inspection_count,
        cast(count_if(finding = '责令改正') as int) as rectification_due_count,
        max(case when record_kind = 'inspection' then recorded_on end) as last_inspected_on
    from {{ ref('fct_supervision_records') }}
    where owner_kind = 'legal_person' {{ touched_owners('owner_key', and_=true) }}
    group by owner_key
),

activity as (
    {{ activity_of('legal_person') }}
),

statuses as (
    select * from {{ ref('dim_legal_person_statuses') }}
    where is_current {{ touched_owners('legal_person_key', and_=true) }}
)

select
    numbers.owner_key as legal_person_key,
    case
        when register_rows.legal_person_type = '企业' then 'enterprise'
        when register_rows.legal_person_type = '个体工商户' then 'household_business'
        when register_rows.legal_person_type = '事业单位' then 'public_institution'
        when register_rows.legal_person_type = '社会组织' then 'social_organisation'
        when register_rows.owner_key is not null then 'other'
        when numbers.code_class = '91' then 'enterprise'
        when numbers.code_class = '92' then 'household_business'
        when numbers.code_class = '93' then 'cooperative'
        when numbers.code_class = '11' then 'government'
        when numbers.code_class = '12' then 'public_institution'
        when numbers.code_class in ('51', '52', '53', '59') then 'social_organisation'
        else 'unknown'
    end as legal_person_kind,
    register_rows.owner_key is not null as is_registered,
    coalesce(
        statuses.legal_person_status,
        case when register_rows.owner_key is null then 'unregistered' else 'existing' end
    ) as legal_person_status,
    statuses.valid_from as status_since,
    register_rows.registered_capital_10k_yuan,
    numbers.number_count,
    numbers.has_sound_number,
    numbers.has_credit_code,
    numbers.has_registration_no,
    {{ holdings_columns() }},
    coalesce(projects.project_count, 0) as project_count,
    coalesce(deals.deal_won_count, 0) as deal_won_count,
    coalesce(supervision.red_list_count, 0) as red_list_count,
    coalesce(supervision.black_list_count, 0) as black_list_count,
    coalesce(supervision.penalty_count, 0) as penalty_count,
    coalesce(supervision.inspection_count, 0) as inspection_count,
    coalesce(supervision.rectification_due_count, 0) as rectification_due_count,
    supervision.last_inspected_on,
    {{ activity_columns('activity') }}
from numbers
left join register_rows on numbers.owner_key = register_rows.owner_key and register_rows.place = 1
left join statuses on numbers.owner_key = statuses.legal_person_key
left join accounts on numbers.owner_key = accounts.owner_key
left join licences on numbers.owner_key = licences.owner_key
left join projects on numbers.owner_key = projects.owner_key
left join deals on numbers.owner_key = deals.owner_key
left join supervision on numbers.owner_key = supervision.owner_key
left join activity on numbers.owner_key = activity.owner_key
-- 只作为别人的号码被提到过的，现在不是谁。
where
    register_rows.owner_key is not null
    or statuses.legal_person_key is not null
    or accounts.owner_key is not null
    or licences.owner_key is not null
    or projects.owner_key is not null
    or deals.owner_key is not null
    or supervision.owner_key is not null
    or activity.owner_key is not null
