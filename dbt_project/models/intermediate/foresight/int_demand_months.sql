{{ config(meta={'moves_with': 'month'}) }}
{# Whole months only, the last three years: what is older says nothing of the next quarter. A month without a case is a
   row of 0, from the series' first month on. Written with month numbers (year × 12 + month), so that shifting is adding. #}
with context as (
    select
        cast(date_trunc('month', as_of) as date) as this_month,
        year(as_of) * 12 + month(as_of) as this_month_no,
        earliest
    from {{ source('run', 'context') }}
),

counted as (
    select
        cases.item_code,
        coalesce(cases.county_code, cases.region_code) as region_code,
        cast(date_trunc('month', cases.applied_at) as date) as month_on,
        count(*) as case_count
    from {{ ref('fct_cases') }} as cases
    cross join context
    where
        cases.item_code is not null
        and cases.applied_at < context.this_month
        and cases.applied_at >= {{ later_months('context.this_month', -36) }}
        and cases.applied_at >= context.earliest
    group by cases.item_code, coalesce(cases.county_code, cases.region_code), cast(date_trunc('month', cases.applied_at) as date)
),

months as (
    select {{ date_series('spans.first_month', 'spans.last_month', 'month') }} as month_on
    from (
        select min(counted.month_on) as first_month, {{ later_months('max(context.this_month)', -1) }} as last_month
        from counted
        cross join context
    ) as spans
),

series as (
    select item_code, region_code, min(month_on) as first_month
    from counted
    group by item_code, region_code
)

select
    series.item_code,
    coalesce(series.region_code, 'unknown') as region_code,
    months.month_on,
    year(months.month_on) * 12 + month(months.month_on) as month_no,
    cast(coalesce(counted.case_count, 0) as bigint) as case_count
from series
inner join months on series.first_month <= months.month_on
left join counted
    on series.item_code = counted.item_code
    and series.region_code is not distinct from counted.region_code
    and months.month_on = counted.month_on
