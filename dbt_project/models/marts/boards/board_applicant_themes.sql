{# What people come for: applicants and cases of each theme. #}
select
    case themes.applicant_kind when 'person' then '自然人' else '法人' end as holder_name,
    themes.theme_code,
    coalesce(names.theme_name, '没有主题') as theme_name,
    cast(null as string) as county_code,
    cast(count(*) as bigint) as applicant_count,
    cast(sum(themes.case_count) as bigint) as case_count,
    cast(sum(themes.online_count) as bigint) as online_count,
    cast(sum(themes.business_volume) as bigint) as business_volume,
    cast(sum(themes.visit_count) as bigint) as visit_count,
    cast(sum(themes.visits_saved) as bigint) as visits_saved
from {{ ref('fct_applicant_themes') }} as themes
left join {{ ref('dim_themes') }} as names on themes.theme_code = names.theme_code
group by themes.applicant_kind, themes.theme_code, coalesce(names.theme_name, '没有主题')
