{{ config(meta={'moves_with': 'day'}) }}
{# 人口登记的现状：全量之后以最近一次变更为准；死亡、迁出、被合并的仍在，看 register_status。 #}
with register_rows as (
    select
        id_no,
        person_name,
        sex,
        born_on,
        household_region_code,
        cast(null as string) as change_kind,
        cast(null as timestamp) as changed_at,
        '' as change_no
    from {{ ref('int_persons_latest') }}
    union all
    select
        id_no,
        person_name,
        sex,
        born_on,
        household_region_code,
        change_kind,
        changed_at,
        change_no
    from {{ ref('int_person_changes_latest') }}
),

-- 被合并的一个登记，名下的事归保留的一个，但保留者的姓名、性别、出生以保留者自己的登记为准。
register_ranked as (
    select
        identities.owner_key,
        rows_of.person_name,
        rows_of.sex,
        rows_of.born_on,
        rows_of.household_region_code,
        rows_of.change_kind,
        identities.is_number_replaced,
        row_number() over (
            partition by identities.owner_key
            order by
                identities.is_number_replaced asc, rows_of.changed_at desc nulls last, rows_of.change_no desc,
                rows_of.id_no asc
        ) as place,
        row_number() over (
            partition by identities.identity_key
            order by rows_of.changed_at desc nulls last, rows_of.change_no desc, rows_of.id_no asc
        ) as place_of_number
    from register_rows as rows_of
    inner join {{ ref('int_identities') }} as identities
        on {{ written_identifier('rows_of.id_no') }} = identities.id_no
    where identities.owner_kind = 'person'
),

registered as (
    select
        owner_key,
        sex,
        born_on,
        household_region_code,
        case
            when is_number_replaced or change_kind = '合并' then 'merged'
            when change_kind = '死亡' then 'died'
            when change_kind = '迁出' then 'moved_out'
            else 'registered'
        end as register_status
    from register_ranked
    where place = 1
),

households as (
    select
        identities.owner_key,
        households.householder_name as person_name,
        households.cause,
        households.listed_on,
        row_number() over (
            partition by identities.owner_key order by households.listed_on desc nulls last, households.household_no asc
        ) as place
    from {{ ref('int_households_latest') }} as households
    inner join {{ ref('int_identities') }} as identities
        on {{ written_identifier('households.householder_id_no') }} = identities.id_no
    where identities.owner_kind = 'person'
),

applicants as (
    select
        applicant_key as owner_key,
        applicant_name as person_name
    from {{ ref('int_case_applicants') }}
    where applicant_kind = 'person'
    group by applicant_key, applicant_name
),

-- 各系统现行记录中的姓名；写法多于一种即为冲突。
names as (
    select
        owner_key,
        person_name
    from register_ranked
    where place_of_number = 1 and person_name is not null
    union
    select
        owner_key,
        person_name
    from households
    where person_name is not null
    union
    select
        owner_key,
        person_name
    from applicants
    where person_name is not null
),

name_counts as (
    select
        owner_key,
        cast(count(*) as int) as name_count
    from names
    group by owner_key
),

accounts as (
    {{ accounts_of('person') }}
),

licences as (
    {{ licences_of('person') }}
),

activity as (
    {{ activity_of('person') }}
),

-- 一人可有几个号码（15 位与 18 位、被合并的）；出生与性别先看登记，没有登记的看号码。
numbers as (
    select
        owner_key,
        cast(count(*) as int) as number_count,
        bool_or(is_number_sound) as has_sound_number,
        max(case when is_number_replaced then null else identity_no end) as identity_no
    from {{ ref('int_numbers_used') }}
    where owner_kind = 'person'
    group by owner_key
),

read as (
    select
        owner_key,
        number_count,
        has_sound_number,
        cast({{ parse_time('substr(identity_no, 7, 8)', 'yyyyMMdd') }} as date) as born_by_number,
        case when try_cast(substr(identity_no, 17, 1) as int) % 2 = 1 then '男' else '女' end as sex_by_number
    from numbers
),

today as (
    select cast(context.as_of as date) as as_of_on from {{ source('run', 'context') }} as context
),

joined as (
    select
        read.*,
        registered.register_status,
        registered.household_region_code,
        coalesce(registered.born_on, read.born_by_number) as born_on,
        coalesce(registered.sex, read.sex_by_number) as sex,
        registered.born_on <> read.born_by_number as is_birth_conflicting,
        registered.sex <> read.sex_by_number as is_sex_conflicting,
        today.as_of_on
    from read
    left join registered on read.owner_key = registered.owner_key
    cross join today
),

aged as (
    select
        *,
        cast(
            year(as_of_on) - year(born_on)
            - case when month(as_of_on) * 100 + day(as_of_on) < month(born_on) * 100 + day(born_on) then 1 else 0 end
            as int
        ) as age_years
    from joined
)

select
    aged.owner_key as person_key,
    coalesce(aged.register_status, 'unregistered') as register_status,
    aged.sex,
    cast(year(aged.born_on) as int) as birth_year,
    aged.age_years,
    case
        when aged.age_years < 20 then '00-19'
        when aged.age_years < 50 then '20-49'
        when aged.age_years < 60 then '50-59'
        else '60-'
    end as age_band,
    aged.household_region_code,
    aged.number_count,
    aged.has_sound_number,
    coalesce(name_counts.name_count, 0) as name_count,
    coalesce(name_counts.name_count > 1, false) as has_name_conflict,
    coalesce(aged.is_birth_conflicting, false) as has_birth_conflict,
    coalesce(aged.is_sex_conflicting, false) as has_sex_conflict,
    {{ holdings_columns() }},
    households.owner_key is not null as is_householder_in_poverty,
    households.cause as poverty_cause,
    {{ activity_columns('activity') }}
from aged
left join name_counts on aged.owner_key = name_counts.owner_key
left join accounts on aged.owner_key = accounts.owner_key
left join licences on aged.owner_key = licences.owner_key
left join households on aged.owner_key = households.owner_key and households.place = 1
left join activity on aged.owner_key = activity.owner_key
-- 只作为别人的号码被提到过的，现在不是谁。
where
    aged.register_status is not null
    or name_counts.owner_key is not null
    or accounts.owner_key is not null
    or licences.owner_key is not null
    or households.owner_key is not null
    or activity.owner_key is not null
