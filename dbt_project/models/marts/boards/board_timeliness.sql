{# Both denominators side by side, in words. #}
with months as (
    select
        *,
        case level_code when 'town' then region_code end as town_code
    from {{ ref('fct_timeliness_months') }}
)

select
    {{ format_time('months.month', 'yyyy-MM') }} as month,
    months.month as month_on,
    {{ subject_in_words('months.subject') }} as subject_name,
    levels.level_name,
    months.county_code,
    counties.region_name as county_name,
    months.town_code,
    months.unit_code,
    units.unit_name,
    months.region_code,
    months.closed_count,
    months.closed_on_time_count,
    months.closed_count - months.closed_on_time_count as closed_late_count,
    months.overdue_open_count,
    months.due_count
from months
left join {{ ref('dim_units') }} as units on months.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on months.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on months.level_code = levels.level_code
