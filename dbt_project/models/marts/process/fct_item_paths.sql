{# The ways that closed cases of an item have gone (变体); a case that names no item is in none. #}
with cases as (
    select case_no, item_code, handling_working_days
    from {{ ref('fct_cases') }}
    where closed_at is not null and item_code is not null
),

paths as (
    select case_no, path, event_count from {{ ref('int_case_paths') }}
),

counted as (
    select
        cases.item_code,
        paths.path,
        max(paths.event_count) as event_count,
        cast(count(*) as bigint) as case_count,
        avg(cast(cases.handling_working_days as double)) as mean_handling_working_days
    from cases
    inner join paths on cases.case_no = paths.case_no
    group by cases.item_code, paths.path
)

select
    item_code,
    path,
    {{ path_in_words('path') }} as path_in_words,
    event_count,
    case_count,
    cast(case_count as double) / sum(case_count) over (partition by item_code) as case_share,
    cast(row_number() over (partition by item_code order by case_count desc, path asc) as int) as path_rank,
    mean_handling_working_days
from counted
