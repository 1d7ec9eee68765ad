{# When people apply: by hour and weekday, online and at the window. #}
select
    months.period as month,
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
    cases.row_count as applied_count
from {{ ref('int_application_hours_counted') }} as cases
inner join {{ ref('dim_periods') }} as months on months.period_kind = 'month' and cases.month_on = months.period_start
left join {{ ref('dim_units') }} as units on cases.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on cases.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on cases.level_code = levels.level_code
