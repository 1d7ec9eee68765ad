{# Who uses the hall, counted: by kind, age, sex, place and standing. No name, number or pseudonym gets here. #}
with regions as (
    select left(region_code, 6) as district, region_code, region_name
    from {{ ref('dim_regions') }}
    where region_level = 'county'
),

everyone as (
    select
        '自然人' as holder_name,
        {{ age_band_in_words('age_band') }} as group_name,
        coalesce(sex, '不明') as sex_name,
        {{ register_status_in_words('register_status') }} as status_name,
        household_region_code as district,
        real_name_level,
        account_count,
        page_count,
        page_login_days,
        valid_licence_count,
        case_count,
        online_count,
        visits_saved
    from {{ ref('dim_persons') }}
    union all
    select
        '法人' as holder_name,
        {{ legal_person_kind_in_words('legal_person_kind') }} as group_name,
        '—' as sex_name,
        {{ legal_person_status_in_words('legal_person_status') }} as status_name,
        cast(null as string) as district,
        real_name_level,
        account_count,
        page_count,
        page_login_days,
        valid_licence_count,
        case_count,
        online_count,
        visits_saved
    from {{ ref('dim_legal_persons') }}
)

select
    everyone.holder_name,
    everyone.group_name,
    everyone.sex_name,
    everyone.status_name,
    {{ identity_in_words('everyone.real_name_level') }} as identity_name,
    regions.region_code as county_code,
    regions.region_name as county_name,
    cast(count(*) as bigint) as holder_count,
    cast(coalesce(count_if(everyone.account_count > 0), 0) as bigint) as with_account_count,
    cast(coalesce(count_if(everyone.page_count > 0), 0) as bigint) as with_page_count,
    cast(coalesce(count_if(everyone.page_login_days > 0), 0) as bigint) as page_user_count,
    cast(coalesce(count_if(everyone.valid_licence_count > 0), 0) as bigint) as licence_holder_count,
    cast(coalesce(count_if(everyone.case_count > 0), 0) as bigint) as applicant_count,
    cast(coalesce(sum(everyone.case_count), 0) as bigint) as case_count,
    cast(coalesce(sum(everyone.online_count), 0) as bigint) as online_count,
    cast(coalesce(sum(everyone.visits_saved), 0) as bigint) as visits_saved
from everyone
left join regions on left(everyone.district, 6) = regions.district
group by
    everyone.holder_name, everyone.group_name, everyone.sex_name, everyone.status_name,
    {{ identity_in_words('everyone.real_name_level') }},
    regions.region_code, regions.region_name
