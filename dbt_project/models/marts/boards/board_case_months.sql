{# What was applied for, accepted, refused and closed in each month: each event in its own month, so that one row of a
   chart has them side by side. #}
select
    months.period as month,
    events.month_on,
    levels.level_name,
    events.county_code,
    counties.region_name as county_name,
    case events.level_code when 'town' then events.region_code end as town_code,
    events.unit_code,
    units.unit_name,
    {{ subject_in_words('events.subject') }} as subject_name,
    coalesce(channels.channel_name, '未知') as channel_name,
    {% for name in ['applied_count', 'applied_online_count', 'refused_count', 'supplemented_case_count', 'supplement_count', 'accepted_count', 'closed_count', 'business_volume', 'judged_count', 'on_time_count', 'timed_count', 'handling_working_days', 'no_visit_count', 'one_visit_count', 'more_visits_count', 'unknown_visits_count'] -%}
    cast(sum(events.{{ name }}) as bigint) as {{ name }}{{ ',' if not loop.last }}
    {% endfor -%}
from {{ ref('int_case_events_counted') }} as events
inner join {{ ref('dim_periods') }} as months on months.period_kind = 'month' and events.month_on = months.period_start
left join {{ ref('dim_units') }} as units on events.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on events.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on events.level_code = levels.level_code
left join {{ ref('dim_channels') }} as channels on events.channel_code = channels.channel_code
group by
    months.period, events.month_on, levels.level_name, events.county_code, counties.region_name,
    case events.level_code when 'town' then events.region_code end, events.unit_code, units.unit_name, {{ subject_in_words('events.subject') }}, coalesce(channels.channel_name, '未知')
