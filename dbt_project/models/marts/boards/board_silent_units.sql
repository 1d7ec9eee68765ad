{{ config(meta={'moves_with': 'day'}) }}
{# A department is judged by its own pace: the cases that were applied for in the ninety days up to its last business. At
   that pace five times the usual gap without any business comes by chance once in 150 times; and five working days are
   the least, or a quiet week would be silence. #}
{% set pace_days, gaps, least_days = 90, 5, 5 %}
with context as (
    select cast(as_of as date) as as_of_on from {{ source('run', 'context') }}
),

dates as (
    select date_on, working_day_no from {{ ref('dim_dates') }}
),

events as (
    {% for moment in ['applied_at', 'accepted_at', 'last_step_at', 'closed_at', 'collected_at'] -%}
    select
        cases.unit_code,
        max(cast(cases.{{ moment }} as date)) as last_on
    from {{ ref('fct_cases') }} as cases
    cross join context
    where cases.unit_code is not null and cast(cases.{{ moment }} as date) <= context.as_of_on
    group by cases.unit_code
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

spoken as (
    select unit_code, max(last_on) as last_business_on
    from events
    group by unit_code
),

paces as (
    select
        spoken.unit_code,
        cast(count(*) as bigint) as recent_case_count
    from {{ ref('fct_cases') }} as cases
    inner join spoken on cases.unit_code = spoken.unit_code
    where
        cast(cases.applied_at as date) <= spoken.last_business_on
        and cast(cases.applied_at as date) > {{ add_days('spoken.last_business_on', -pace_days) }}
    group by spoken.unit_code
),

counted as (
    select
        spoken.unit_code,
        spoken.last_business_on,
        coalesce(paces.recent_case_count, cast(0 as bigint)) as recent_case_count,
        -- Whole days only: the day that runs may still bring something.
        greatest(yesterday.working_day_no - last_days.working_day_no, 0) as silent_working_days,
        last_days.working_day_no - first_days.working_day_no as pace_working_days
    from spoken
    cross join context
    left join paces on spoken.unit_code = paces.unit_code
    left join dates as yesterday on {{ add_days('context.as_of_on', -1) }} = yesterday.date_on
    left join dates as last_days on spoken.last_business_on = last_days.date_on
    left join dates as first_days on {{ add_days('spoken.last_business_on', -pace_days) }} = first_days.date_on
)

select
    units.level_name,
    units.county_code,
    units.county_name,
    units.town_code,
    counted.unit_code,
    units.unit_name,
    counted.last_business_on,
    counted.recent_case_count,
    cast(counted.silent_working_days as int) as silent_working_days,
    cast(counted.pace_working_days as double) / nullif(counted.recent_case_count, 0) as usual_gap_working_days,
    coalesce(
        counted.silent_working_days > {{ least_days }}
        and counted.silent_working_days * counted.recent_case_count > {{ gaps }} * counted.pace_working_days,
        false
    ) as is_silent
from counted
left join {{ ref('dim_units') }} as units on counted.unit_code = units.unit_code
