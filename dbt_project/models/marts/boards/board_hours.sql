{# When people apply: by hour and weekday, online and at the window. #}
with cases as (
    select
        cast(date_trunc('month', applied_at) as date) as month_on,
        unit_code,
        level_code,
        county_code,
        case level_code when 'town' then region_code end as town_code,
        is_applied_online,
        {{ iso_weekday('applied_at') }} as iso_weekday,
        {{ format_time('applied_at', 'HH') }} as hour_of_day,
        cast(count(*) as bigint) as applied_count
    from {{ ref('fct_cases') }}
    where applied_at is not null
    group by
        cast(date_trunc('month', applied_at) as date), unit_code, level_code, county_code,
        case level_code when 'town' then region_code end, is_applied_online, {{ iso_weekday('applied_at') }},
        {{ format_time('applied_at', 'HH') }}
),

months as (
    select period_start as month_on, period as month
    from {{ ref('dim_periods') }}
    where period_kind = 'month'
)

select
    months.month,
    cases.month_on,
    levels.level_name,
    cases.county_code,
    counties.region_name as county_name,
    cases.town_code,
    cases.unit_code,
    units.unit_name,
    case when cases.is_applied_online then '网上' else '其他方式' end as way_name,
    cases.iso_weekday,
    case cases.iso_weekday
        when 1 then '1 周一' when 2 then '2 周二' when 3 then '3 周三' when 4 then '4 周四' when 5 then '5 周五' when 6 then '6 周六' else '7 周日'
    end as weekday_name,
    cases.hour_of_day,
    cases.applied_count
from cases
inner join months on cases.month_on = months.month_on
left join {{ ref('dim_units') }} as units on cases.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on cases.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on cases.level_code = levels.level_code
