{{ config(
    materialized='incremental', incremental_strategy='touched', enabled=(target.name != 'exchange'),
    unique_key=['owner_key'], meta={'replaces': 'persons', 'moves_with': 'day'}
) }}
{# 各系统写过的每一个人是谁。人口登记取现状：全量之后以最近一次变更为准；死亡、迁出、被合并的仍在，看 register_status。周岁随构建
   之日而变，有生日的人因此也在本次重算之列（int_touched_persons）。 #}
with records as (
    {{ naming_records() }}
),

everybody as (
    {{ with_owner('records', owner_kind='person') }}
),

owned as (
    select * from everybody
    where owner_kind = 'person'
),

register_rows as (
    select
        owned.owner_key,
        owned.identity_key,
        owned.is_number_replaced,
        persons.id_no,
        persons.person_name,
        persons.sex,
        persons.born_on,
        persons.household_region_code,
        cast(null as string) as change_kind,
        cast(null as timestamp) as changed_at,
        '' as change_no
    from owned
    inner join {{ ref('int_persons_latest') }} as persons on owned.record_key = persons.id_no
    where owned.owner_role = 'person'
    union all
    select
        owned.owner_key,
        owned.identity_key,
        owned.is_number_replaced,
        changes.id_no,
        changes.person_name,
        changes.sex,
        changes.born_on,
        changes.household_region_code,
        changes.change_kind,
        changes.changed_at,
        changes.change_no
    from owned
    inner join {{ ref('int_person_changes_latest') }} as changes on owned.record_key = changes.change_no
    where owned.owner_role = 'person_change'
),

-- 被合并的一个登记，名下的事归保留的一个，但保留者的姓名、性别、出生以保留者自己的登记为准。
register_ranked as (
    select
        *,
        row_number() over (
            partition by owner_key
            order by is_number_replaced asc, changed_at desc nulls last, change_no desc, id_no asc
        ) as place,
        row_number() over (
            partition by identity_key order by changed_at desc nulls last, change_no desc, id_no asc
        ) as place_of_number
    from register_rows
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
        owned.owner_key,
        households.householder_name as person_name,
        households.cause,
        row_number() over (
            partition by owned.owner_key order by households.listed_on desc nulls last, households.household_no asc
        ) as place
    from owned
    inner join {{ ref('int_households_latest') }} as households on owned.record_key = households.household_no
    where owned.owner_role = 'household'
),

applicants as (
    select
        applicant_key as owner_key,
        applicant_name as person_name,
        id_no,
        number_form,
        is_number_sound,
        is_number_replaced
    from {{ ref('int_case_applicants') }}
    where applicant_kind = 'person' {{ touched_owners('applicant_key', and_=true, owner_kind='person') }}
),

-- 各系统现行记录中的姓名；写法多于一种即为冲突。
names as (
    select owner_key, person_name
    from register_ranked
    where place_of_number = 1 and person_name is not null
    union
    select owner_key, person_name
    from households
    where person_name is not null
    union
    select owner_key, person_name
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

-- 一人可有几个号码（15 位与 18 位、被合并的）；出生与性别先看登记，没有登记的看号码。
written as (
    select owner_key, id_no, number_form, is_number_sound, is_number_replaced from owned
    union
    select owner_key, id_no, number_form, is_number_sound, is_number_replaced from applicants
),

numbers as (
    select
        owner_key,
        cast(count(*) as int) as number_count,
        bool_or(is_number_sound) as has_sound_number,
        max(case
            when is_number_replaced then null
            when number_form = 'citizen_18' then id_no
            when number_form = 'citizen_15' then {{ citizen_number('id_no') }}
        end) as identity_no
    from written
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

joined as (
    select
        read.owner_key,
        registered.register_status,
        coalesce(registered.sex, read.sex_by_number) as sex,
        coalesce(registered.born_on, read.born_by_number) as born_on,
        registered.household_region_code,
        read.number_count,
        read.has_sound_number,
        coalesce(name_counts.name_count, 0) as name_count,
        coalesce(registered.born_on <> read.born_by_number, false) as has_birth_conflict,
        coalesce(registered.sex <> read.sex_by_number, false) as has_sex_conflict,
        households.owner_key is not null as is_householder_in_poverty,
        households.cause as poverty_cause
    from read
    left join registered on read.owner_key = registered.owner_key
    left join name_counts on read.owner_key = name_counts.owner_key
    left join households on read.owner_key = households.owner_key and households.place = 1
)

select
    joined.*,
    {{ age_on('joined.born_on', 'context.as_of') }} as age_years
from joined
cross join {{ source('run', 'context') }} as context
