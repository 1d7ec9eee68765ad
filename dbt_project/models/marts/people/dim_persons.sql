{{ config(
    materialized='incremental', incremental_strategy='touched', unique_key=['person_key'], meta={'replaces': 'persons'}
) }}
with persons as (
    select * from {{ ref('int_persons') }}
    {{ touched_owners('owner_key', owner_kind='person') }}
),

accounts as (
    {{ accounts_of('person') }}
),

licences as (
    {{ licences_of('person') }}
),

activity as (
    {{ activity_of('person') }}
)

select
    persons.owner_key as person_key,
    coalesce(persons.register_status, 'unregistered') as register_status,
    persons.sex,
    cast(year(persons.born_on) as int) as birth_year,
    persons.age_years,
    case
        when persons.age_years < 20 then '00-19'
        when persons.age_years < 50 then '20-49'
        when persons.age_years < 60 then '50-59'
        else '60-'
    end as age_band,
    persons.household_region_code,
    persons.number_count,
    persons.has_sound_number,
    persons.name_count,
    persons.name_count > 1 as has_name_conflict,
    persons.has_birth_conflict,
    persons.has_sex_conflict,
    {{ holdings_columns() }},
    persons.is_householder_in_poverty,
    persons.poverty_cause,
    {{ activity_columns('activity') }}
from persons
left join accounts on persons.owner_key = accounts.owner_key
left join licences on persons.owner_key = licences.owner_key
left join activity on persons.owner_key = activity.owner_key
-- 只作为别人的号码被提到过的，现在不是谁。
where
    persons.register_status is not null
    or persons.name_count > 0
    or accounts.owner_key is not null
    or licences.owner_key is not null
    or persons.is_householder_in_poverty
    or activity.owner_key is not null
