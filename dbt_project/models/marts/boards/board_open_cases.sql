{# Each open case in words, with the rest of its promise in bands. #}
with cases as (
    select
        *,
        case level_code when 'town' then region_code end as town_code
    from {{ ref('fct_open_cases') }}
),

items as (
    select item_code, item_version, item_name from {{ ref('dim_items') }}
)

select
    cases.case_no,
    cases.item_code,
    items.item_name,
    {{ subject_in_words('cases.subject') }} as subject_name,
    levels.level_name,
    cases.county_code,
    counties.region_name as county_name,
    cases.town_code,
    cases.unit_code,
    units.unit_name,
    cases.accepted_at,
    cases.clock_state,
    {{ clock_state_in_words('cases.clock_state') }} as clock_state_name,
    cases.promised_limit,
    cases.promised_rest_days,
    cases.promised_due_on,
    cases.statutory_rest_days,
    cases.statutory_due_on,
    case
        when cases.promised_rest_days is null then '8 没有承诺时限'
        when cases.promised_rest_days < -10 then '1 超期 10 天以上'
        when cases.promised_rest_days < 0 then '2 超期 10 天以内'
        when cases.promised_rest_days <= 1 then '3 剩 0 至 1 天'
        when cases.promised_rest_days <= 3 then '4 剩 2 至 3 天'
        when cases.promised_rest_days <= 5 then '5 剩 4 至 5 天'
        when cases.promised_rest_days <= 10 then '6 剩 6 至 10 天'
        else '7 剩 10 天以上'
    end as rest_name,
    cases.passed_working_days,
    cases.clock_state in ('past_promised', 'past_statutory') as is_overdue,
    cases.clock_state = 'past_statutory' as is_past_statutory,
    cases.clock_state = 'warning' as is_warned,
    cases.is_stopped,
    cases.suspension_rest_days,
    cases.is_suspension_warned,
    cases.is_suspension_overrun,
    cases.read_at
from cases
left join items on cases.item_code = items.item_code and cases.item_version = items.item_version
left join {{ ref('dim_units') }} as units on cases.unit_code = units.unit_code
left join {{ ref('dim_regions') }} as counties on cases.county_code = counties.region_code
left join {{ ref('dim_levels') }} as levels on cases.level_code = levels.level_code
