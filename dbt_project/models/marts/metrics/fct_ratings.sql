select
    ratings.rating_no,
    coalesce(cases.subject, 'unknown') as subject,
    ratings.case_no,
    coalesce(cases.unit_code, units.counts_as_code, ratings.unit_code) as unit_code,
    coalesce(cases.region_code, units.region_code) as region_code,
    coalesce(cases.level_code, units.level_code, 'unknown') as level_code,
    coalesce(cases.county_code, units.county_code) as county_code,
    cases.person_theme_code,
    cases.legal_theme_code,
    cases.special_theme_code,
    coalesce(cases.channel_code, 'unknown') as channel_code,
    ratings.rating_way,
    ratings.score,
    ratings.rated_at,
    cast(date_trunc('month', ratings.rated_at) as date) as rated_month,
    not coalesce(ways.is_filled_in, false) and ratings.score is not null as is_real,
    coalesce(ratings.score >= 3, false) as is_satisfied,
    ratings._load_id as load_id
from {{ ref('int_ratings_latest') }} as ratings
left join {{ ref('fct_cases') }} as cases on ratings.case_no = cases.case_no
left join {{ ref('dim_unit_versions') }} as units
    on ratings.unit_code = units.unit_code and {{ holds_on('units', reported_on('cast(ratings.rated_at as date)')) }}
left join {{ ref('rating_ways') }} as ways on ratings.rating_way = ways.rating_way
