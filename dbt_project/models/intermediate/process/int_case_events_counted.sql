{% set groups = ['unit_code', 'region_code', 'level_code', 'county_code', 'subject', 'channel_code'] %}
{{ config(
    materialized='incremental', incremental_strategy='counted', meta={'replaces': 'counts'},
    unique_key=['month_on'] + groups
) }}
{% set counts = {
    'applied_at': {
        'applied_count': '1 = 1',
        'applied_online_count': 'is_applied_online',
        'refused_count': 'is_acceptance_refused',
        'supplemented_case_count': 'supplement_count > 0',
    },
    'accepted_at': {'accepted_count': '1 = 1'},
    'closed_at': {
        'closed_count': '1 = 1',
        'business_volume': 'is_business_volume',
        'judged_count': 'is_business_volume and is_closed_on_time is not null',
        'on_time_count': 'is_business_volume and is_closed_on_time',
        'timed_count': 'is_business_volume and handling_working_days is not null',
        'no_visit_count': 'is_business_volume and visit_count = 0',
        'one_visit_count': 'is_business_volume and visit_count = 1',
        'more_visits_count': 'is_business_volume and visit_count > 1',
        'unknown_visits_count': 'is_business_volume and visit_count is null',
    },
} %}
{% set sums = {
    'applied_at': {'supplement_count': 'supplement_count'},
    'accepted_at': {},
    'closed_at': {'handling_working_days': 'case when is_business_volume then handling_working_days end'},
} %}
{% set names = [] %}
{% for moment in counts %}{% for name in counts[moment].keys() | list + sums[moment].keys() | list %}{% do names.append(name) %}{% endfor %}{% endfor %}
{# Each event of a case in its own month. #}
with cases as (
    {{ moved_rows('fct_cases') }}
),

events as (
    {% for moment in counts -%}
    select
        cast(date_trunc('month', {{ moment }}) as date) as month_on,
        {{ groups | join(', ') }},
        {% for name in names -%}
        {% if name in counts[moment] -%}{{ counted(counts[moment][name]) }}
        {%- elif name in sums[moment] -%}{{ added(sums[moment][name]) }}
        {%- else -%}cast(0 as bigint)
        {%- endif %} as {{ name }},
        {% endfor -%}
        {{ counted() }} as row_count
    from cases
    where {{ moment }} is not null
    group by cast(date_trunc('month', {{ moment }}) as date), {{ groups | join(', ') }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    month_on,
    {{ groups | join(', ') }},
    {% for name in names -%}
    cast(sum({{ name }}) as bigint) as {{ name }},
    {% endfor -%}
    cast(sum(row_count) as bigint) as row_count
from events
group by month_on, {{ groups | join(', ') }}
