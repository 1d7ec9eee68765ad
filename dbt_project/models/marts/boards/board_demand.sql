{# Demand of each item and place: what was applied for in the months that are over, and what the next three are expected to
   bring, with interval and error. #}
with demand as (
    select
        item_code,
        region_code,
        month_on,
        case_count,
        cast(null as double) as expected_count,
        cast(null as double) as low_count,
        cast(null as double) as high_count,
        cast(null as double) as mean_error,
        cast(null as bigint) as backtest_count,
        cast(null as string) as method
    from {{ ref('int_demand_months') }}
    union all
    select
        item_code,
        region_code,
        month_on,
        cast(null as bigint) as case_count,
        expected_count,
        low_count,
        high_count,
        mean_error,
        backtest_count,
        method
    from {{ ref('demand_forecasts') }}
),

-- 今后两个月起码都有区间的：回测够了的。
with_interval as (
    select item_code, region_code
    from {{ ref('demand_forecasts') }}
    group by item_code, region_code
    having count(low_count) >= 2
),

items as (
    select item_code, item_name, unit_code
    from {{ ref('dim_items') }}
    where is_latest
)

select
    demand.item_code,
    items.item_name,
    units.level_name,
    demand.region_code,
    counties.region_code as county_code,
    coalesce(counties.region_name, '全市') as county_name,
    units.town_code,
    items.unit_code,
    units.unit_name,
    demand.month_on,
    {{ format_time('demand.month_on', 'yyyy-MM') }} as demand_month,
    demand.case_count is null as is_ahead,
    demand.case_count,
    demand.expected_count,
    demand.low_count,
    demand.high_count,
    demand.mean_error,
    demand.backtest_count,
    case
        when demand.low_count is not null then concat(cast(cast(demand.low_count as decimal(18, 1)) as string), ' — ', cast(cast(demand.high_count as decimal(18, 1)) as string))
        when demand.expected_count is not null then '回测不足 6 次'
    end as interval_words,
    case
        when demand.mean_error is not null then cast(cast(demand.mean_error as decimal(18, 1)) as string)
        when demand.expected_count is not null then '没有回测'
    end as error_words,
    with_interval.item_code is not null as has_interval,
    case
        when demand.method = 'seasonal_naive' then '去年同月或上月' when demand.method is not null then '指数平滑'
    end as method_name
from demand
left join items on demand.item_code = items.item_code
left join with_interval on demand.item_code = with_interval.item_code and demand.region_code = with_interval.region_code
left join {{ ref('dim_units') }} as units on items.unit_code = units.unit_code
left join (
    select region_code, region_name from {{ ref('dim_regions') }} where region_level = 'county'
) as counties on demand.region_code = counties.region_code
