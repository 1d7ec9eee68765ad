{# What was applied for, accepted, refused and closed in each month: each event in its own month, so that one row of a
   chart has them side by side. #}
with cases as (
    select
        *,
        case level_code when 'town' then region_code end as town_code
    from {{ ref('fct_cases') }}
),

events as (
    {% for event, moment in [('applied', 'applied_at'), ('accepted', 'accepted_at'), ('closed', 'closed_at')] -%}
    select
        cast(date_trunc('month', {{ moment }}) as date) as month_on,
        unit_code,
        county_code,
        town_code,
        level_code,
        subject,
        channel_code,
        {% if event == 'applied' -%}
        cast(count(*) as bigint) as applied_count,
        cast(coalesce(count_if(is_applied_online), 0) as bigint) as applied_online_count,
        cast(coalesce(count_if(is_acceptance_refused), 0) as bigint) as refused_count,
        cast(coalesce(count_if(supplement_count > 0), 0) as bigint) as supplemented_case_count,
        cast(coalesce(sum(supplement_count), 0) as bigint) as supplement_count,
        {%- else -%}
        {% for name in ['applied_count', 'applied_online_count', 'refused_count', 'supplemented_case_count', 'supplement_count'] -%}
        cast(0 as bigint) as {{ name }},
        {% endfor %}
        {%- endif %}
        cast({{ 'count(*)' if event == 'accepted' else '0' }} as bigint) as accepted_count,
        {% if event == 'closed' -%}
        cast(count(*) as bigint) as closed_count,
        cast(coalesce(count_if(is_business_volume), 0) as bigint) as business_volume,
        cast(coalesce(count_if(is_business_volume and is_closed_on_time is not null), 0) as bigint) as judged_count,
        cast(coalesce(count_if(is_business_volume and is_closed_on_time), 0) as bigint) as on_time_count,
        cast(coalesce(count_if(is_business_volume and handling_working_days is not null), 0) as bigint) as timed_count,
        cast(coalesce(sum(case when is_business_volume then handling_working_days end), 0) as bigint) as handling_working_days,
        cast(coalesce(count_if(is_business_volume and visit_count = 0), 0) as bigint) as no_visit_count,
        cast(coalesce(count_if(is_business_volume and visit_count = 1), 0) as bigint) as one_visit_count,
        cast(coalesce(count_if(is_business_volume and visit_count > 1), 0) as bigint) as more_visits_count,
        cast(coalesce(count_if(is_business_volume and visit_count is null), 0) as bigint) as unknown_visits_count
        {%- else -%}
        {% for name in ['closed_count', 'business_volume', 'judged_count', 'on_time_count', 'timed_count', 'handling_working_days', 'no_visit_count', 'one_visit_count', 'more_visits_count', 'unknown_visits_count'] -%}
        cast(0 as bigint) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
        {%- endif %}
    from cases
    where {{ moment }} is not null
    group by
        cast(date_trunc('month', {{ moment }}) as date), unit_code, county_code, town_code, level_code, subject, channel_code
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

months as (
    select period_start as month_on, period as month
    from {{ ref('dim_periods') }}
    where period_kind = 'month'
)

select
    months.month,
    events.month_on,
    levels.level_name,
    events.county_code,
    counties.region_name as county_name,
    events.town_code,
    events.unit_code,
    units.unit_name,
    {{ subject_in_words('events.subject') }} as subject_name,
    coalesce(channels.channel_name, '未知') as channel_name,
    {% for name in ['applied_count', 'applied_online_count', 'refused_count', 'supplemented_case_count', 'supplement_count', 'accepted_count', 'closed_count', 'business_volume', 'judged_count', 'on_time_count', 'timed_count', 'handling_working_days', 'no_visit_count', 'one_visit_count', 'more_visits_count', 'unknown_visits_count'] -%}
    cast(sum(events.{{ name }}) as bigint) as {{ name }}{{ ',' if not loop.last }}
    {% endfor -%}
from events
inner join months on events.month_on = months.month_on
left join {{ ref('dim_units') }} as units on events.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on events.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on events.level_code = levels.level_code
left join {{ ref('dim_channels') }} as channels on events.channel_code = channels.channel_code
group by
    months.month, events.month_on, levels.level_name, events.county_code, counties.region_name, events.town_code,
    events.unit_code, units.unit_name, {{ subject_in_words('events.subject') }}, coalesce(channels.channel_name, '未知')
