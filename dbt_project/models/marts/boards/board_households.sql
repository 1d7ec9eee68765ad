{# Households of the poverty relief list, one by one and in words, for the one role that may see them; nobody's name or number. #}
with regions as (
    select left(region_code, 6) as district, region_code, region_name
    from {{ ref('dim_regions') }}
    where region_level = 'county'
)

select
    households.owner_key,
    households.household_place,
    households.cause as cause_name,
    households.person_count,
    households.listed_on,
    {{ format_time('households.listed_on', 'yyyy-MM') }} as listed_month,
    {{ register_status_in_words('persons.register_status') }} as status_name,
    {{ age_band_in_words('persons.age_band') }} as group_name,
    persons.household_region_code as district_code,
    regions.region_code as county_code,
    regions.region_name as county_name,
    {{ identity_in_words('persons.real_name_level') }} as identity_name,
    households.case_count,
    coalesce(persons.online_count, 0) as online_count,
    coalesce(persons.visits_saved, 0) as visits_saved,
    households.last_applied_at
from {{ ref('fct_households') }} as households
left join {{ ref('dim_persons') }} as persons on households.owner_key = persons.person_key
left join regions on left(persons.household_region_code, 6) = regions.district
