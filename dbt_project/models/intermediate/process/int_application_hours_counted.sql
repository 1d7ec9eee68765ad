{% set groups = ['month_on', 'unit_code', 'level_code', 'county_code', 'town_code', 'is_applied_online', 'iso_weekday', 'hour_of_day'] %}
{{ config(materialized='incremental', incremental_strategy='counted', meta={'replaces': 'counts'}, unique_key=groups) }}
with cases as (
    {{ moved_rows('fct_cases') }}
),

told as (
    select
        cast(date_trunc('month', applied_at) as date) as month_on,
        unit_code,
        level_code,
        county_code,
        case level_code when 'town' then region_code end as town_code,
        is_applied_online,
        {{ iso_weekday('applied_at') }} as iso_weekday,
        {{ format_time('applied_at', 'HH') }} as hour_of_day,
        sign
    from cases
    where applied_at is not null
)

select
    {{ groups | join(', ') }},
    {{ counted() }} as row_count
from told
group by {{ groups | join(', ') }}
