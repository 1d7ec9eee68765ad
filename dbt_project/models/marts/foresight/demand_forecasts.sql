{# 预判办事需求。Seasonal-naive first: the same month of the year before, or the last month where that is not known yet.
   Exponential smoothing takes its place only where it was better by a twentieth in the back-test: every method forecasts
   the last twelve known months from what was known `horizon` months before. Intervals are the back-test's own errors. #}
{% set alphas = {'smoothed_20': 0.2, 'smoothed_50': 0.5, 'smoothed_80': 0.8} %}
{% set methods = ['seasonal_naive'] + alphas.keys() | list %}
{% set backtest_months = 12 %}
{% set least_backtests = 6 %}
with demand as (
    select * from {{ ref('int_demand_months') }}
),

ends as (
    select max(month_no) as last_no from demand
),

series as (
    select item_code, region_code, min(month_no) as first_no
    from demand
    group by item_code, region_code
),

horizons as (
    select 1 as horizon
    union all
    select 2 as horizon
    union all
    select 3 as horizon
),

-- 每个起算月的平滑水平：近月权重大，权重之和归一。
levels as (
    select
        origins.item_code,
        origins.region_code,
        origins.month_no as origin_no,
        max(origins.case_count) as last_count
        {%- for name, alpha in alphas.items() %},
        cast(
            sum(past.case_count * cast(pow({{ 1 - alpha }}, origins.month_no - past.month_no) as decimal(20, 12)))
            / sum(cast(pow({{ 1 - alpha }}, origins.month_no - past.month_no) as decimal(20, 12))) as double
        ) as {{ name }}
        {%- endfor %}
    from demand as origins
    cross join ends
    inner join demand as past
        on origins.item_code = past.item_code
        and origins.region_code = past.region_code
        and origins.month_no >= past.month_no
    where origins.month_no >= ends.last_no - {{ backtest_months + 3 }}
    group by origins.item_code, origins.region_code, origins.month_no
),

forecasts as (
    select
        levels.item_code,
        levels.region_code,
        horizons.horizon,
        levels.origin_no + horizons.horizon as target_no,
        levels.origin_no = ends.last_no as is_ahead,
        levels.origin_no - series.first_no >= 2 as is_tested,
        actuals.case_count as actual,
        year_before.case_count is not null as is_seasonal,
        cast(coalesce(year_before.case_count, levels.last_count) as double) as seasonal_naive
        {%- for name in alphas %},
        levels.{{ name }}
        {%- endfor %}
    from levels
    cross join ends
    cross join horizons
    inner join series on levels.item_code = series.item_code and levels.region_code = series.region_code
    left join demand as actuals
        on levels.item_code = actuals.item_code
        and levels.region_code = actuals.region_code
        and levels.origin_no + horizons.horizon = actuals.month_no
    left join demand as year_before
        on levels.item_code = year_before.item_code
        and levels.region_code = year_before.region_code
        and levels.origin_no + horizons.horizon - 12 = year_before.month_no
),

tested as (
    select forecasts.*
    from forecasts
    cross join ends
    where forecasts.actual is not null and forecasts.is_tested and forecasts.target_no > ends.last_no - {{ backtest_months }}
),

scored as (
    select
        item_code,
        region_code,
        horizon,
        count(*) as backtest_count
        {%- for name in methods %},
        {{ mean('abs(actual - ' ~ name ~ ')') }} as {{ name }}_error
        {%- endfor %}
    from tested
    group by item_code, region_code, horizon
),

chosen as (
    select
        *,
        case
            {% for name in alphas -%}
            when
                backtest_count >= {{ least_backtests }}
                and {{ name }}_error < 0.95 * seasonal_naive_error
                {% for other in alphas if other != name -%}
                and {{ name }}_error <= {{ other }}_error
                {% endfor -%}
                then '{{ name }}'
            {% endfor -%}
            else 'seasonal_naive'
        end as method
    from scored
),

spread as (
    select
        tested.item_code,
        tested.region_code,
        tested.horizon,
        percentile_cont(0.1) within group (order by tested.actual - {{ picked_method('tested', 'chosen.method', methods) }})
            as low_error,
        percentile_cont(0.9) within group (order by tested.actual - {{ picked_method('tested', 'chosen.method', methods) }})
            as high_error
    from tested
    inner join chosen
        on tested.item_code = chosen.item_code
        and tested.region_code = chosen.region_code
        and tested.horizon = chosen.horizon
    where chosen.backtest_count >= {{ least_backtests }}
    group by tested.item_code, tested.region_code, tested.horizon
),

ahead as (
    select
        forecasts.item_code,
        forecasts.region_code,
        forecasts.horizon,
        make_date(
            cast(floor((forecasts.target_no - 1) / 12) as int), cast((forecasts.target_no - 1) % 12 + 1 as int), 1
        ) as month_on,
        coalesce(chosen.method, 'seasonal_naive') as method,
        forecasts.is_seasonal,
        {{ picked_method('forecasts', "coalesce(chosen.method, 'seasonal_naive')", methods) }} as expected_count,
        chosen.backtest_count,
        {{ picked_method('chosen', 'chosen.method', methods, '_error') }} as mean_error,
        chosen.seasonal_naive_error as naive_mean_error
    from forecasts
    left join chosen
        on forecasts.item_code = chosen.item_code
        and forecasts.region_code = chosen.region_code
        and forecasts.horizon = chosen.horizon
    where forecasts.is_ahead
)

select
    ahead.item_code,
    ahead.region_code,
    ahead.month_on,
    cast(ahead.horizon as int) as horizon_months,
    ahead.method,
    ahead.is_seasonal,
    cast(ahead.expected_count as double) as expected_count,
    cast(
        case when spread.low_error is not null then greatest(ahead.expected_count + spread.low_error, 0) end as double
    ) as low_count,
    cast(
        case when spread.high_error is not null then greatest(ahead.expected_count + spread.high_error, 0) end as double
    ) as high_count,
    cast(coalesce(ahead.backtest_count, 0) as bigint) as backtest_count,
    cast(ahead.mean_error as double) as mean_error,
    cast(ahead.naive_mean_error as double) as naive_mean_error
from ahead
left join spread
    on ahead.item_code = spread.item_code
    and ahead.region_code = spread.region_code
    and ahead.horizon = spread.horizon
