{{ config(meta={'moves_with': 'day'}) }}
-- 只列构建时已经开始的期间。最早一年的一月起连续；更早的零星办结月份（多为误填）单列。
with context as (
    select cast(as_of as date) as today, earliest from {{ source('run', 'context') }}
),

closed_months as (
    select distinct cases.closed_month as month_on
    from {{ ref('fct_cases') }} as cases
    cross join context
    where cases.is_business_volume and cases.closed_at is not null and cases.closed_month <= context.today
),

first_month as (
    select
        cast(date_trunc('year', coalesce(
            min(case when closed_months.month_on >= context.earliest then closed_months.month_on end),
            context.today
        )) as date) as month_on
    from context
    left join closed_months on context.today >= closed_months.month_on
    group by context.today
),

months as (
    select {{ date_series('first_month.month_on', "cast(date_trunc('month', context.today) as date)", 'month') }} as month_on
    from first_month
    cross join context
    union
    select month_on from closed_months
),

periods as (
    select
        'month' as period_kind,
        {{ format_time('month_on', 'yyyy-MM') }} as period,
        month_on as period_start,
        last_day(month_on) as period_end
    from months
    union
    select
        'quarter' as period_kind,
        concat(cast(year(month_on) as string), '-Q', cast(quarter(month_on) as string)) as period,
        cast(date_trunc('quarter', month_on) as date) as period_start,
        last_day({{ later_months("cast(date_trunc('quarter', month_on) as date)", 2) }}) as period_end
    from months
    union
    select
        'half' as period_kind,
        concat(cast(year(month_on) as string), case when month(month_on) <= 6 then '-H1' else '-H2' end) as period,
        make_date(year(month_on), case when month(month_on) <= 6 then 1 else 7 end, 1) as period_start,
        make_date(year(month_on), case when month(month_on) <= 6 then 6 else 12 end, case when month(month_on) <= 6 then 30 else 31 end) as period_end
    from months
    union
    select
        'year' as period_kind,
        cast(year(month_on) as string) as period,
        cast(date_trunc('year', month_on) as date) as period_start,
        last_day({{ later_months("cast(date_trunc('year', month_on) as date)", 11) }}) as period_end
    from months
    union
    select
        'ytd' as period_kind,
        concat(cast(year(month_on) as string), '-01..', {{ format_time('month_on', 'yyyy-MM') }}) as period,
        cast(date_trunc('year', month_on) as date) as period_start,
        last_day(month_on) as period_end
    from months
    union
    select
        'rolling' as period_kind,
        concat('..', {{ format_time('month_on', 'yyyy-MM') }}) as period,
        {{ later_months('month_on', -11) }} as period_start,
        last_day(month_on) as period_end
    from months
)

select
    periods.period_kind,
    periods.period,
    periods.period_start,
    periods.period_end,
    least(periods.period_end, context.today) as state_on
from periods
cross join context
