{# Who uses the hall, counted: by kind, age, sex, place and standing. No name, number or pseudonym gets here. #}
with regions as (
    select left(region_code, 6) as district, region_code, region_name
    from {{ ref('dim_regions') }}
    where region_level = 'county'
),

everyone as (
    select
        '自然人' as holder_name,
        case age_band
            when '00-19' then '0—19 岁' when '20-49' then '20—49 岁' when '50-59' then '50—59 岁' when '60-' then '60 岁以上' else '不明'
        end as group_name,
        coalesce(sex, '不明') as sex_name,
        case register_status
            when 'registered' then '在册' when 'died' then '死亡' when 'moved_out' then '迁出' when 'merged' then '已并入另一登记' else '不在登记'
        end as status_name,
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
        case legal_person_kind
            when 'enterprise' then '企业' when 'household_business' then '个体工商户' when 'cooperative' then '农民专业合作社'
            when 'public_institution' then '事业单位' when 'government' then '机关' when 'social_organisation' then '社会组织' else '其他'
        end as group_name,
        '—' as sex_name,
        case legal_person_status
            when 'existing' then '存续' when 'deregistered' then '已注销' when 'merged' then '已并入另一单位' else '不在登记'
        end as status_name,
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
    case
        when everyone.real_name_level is null then '没有账号' else concat('实名 ', cast(everyone.real_name_level as string), ' 级')
    end as identity_name,
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
    case
        when everyone.real_name_level is null then '没有账号' else concat('实名 ', cast(everyone.real_name_level as string), ' 级')
    end,
    regions.region_code, regions.region_name
