{# Every plan's targets beside the figures from January to the month; the headline figures also where a plan sets none for
   such a scope. A scope that two levels of a plan hold for (a town is in its county, too) is held against its own. #}
with figures as (
    select * from {{ ref('board_figures') }} where scope_kind in ('city', 'level', 'region', 'unit')
),

plans as (
    select
        plan_code,
        concat(city, ' ', cast(year as string), ' 年（', plan_code, '）') as plan_name,
        case plan_code when '{{ var('plan') }}' then 0 else 1 end as plan_order
    from {{ ref('plans') }}
),

metrics as (
    select distinct metric_code, metric_name, counted, default_subject
    from {{ ref('dim_metrics') }}
    where is_official
),

ranked as (
    select
        held.*,
        definitions.is_official,
        cast(date_trunc('month', held.period_end) as date) as month_on,
        row_number() over (
            partition by held.plan_code, held.metric_code, held.period, held.scope_kind, held.scope_code
            order by definitions.is_official desc, held.plan_year desc nulls last,
                case held.plan_level when 'town' then 1 when 'all' then 3 else 2 end asc, held.target_code asc
        ) as place
    from {{ ref('metric_attainments') }} as held
    inner join {{ ref('dim_metrics') }} as definitions
        on held.metric_code = definitions.metric_code
        and held.variant = definitions.variant
        and held.definition_version = definitions.definition_version
),

targets as (
    select * from ranked where place = 1
),

without_target as (
    select
        figures.metric_code,
        plans.plan_code,
        figures.month_on,
        figures.scope_kind,
        figures.scope_code,
        figures.numerator,
        figures.denominator
    from figures
    cross join plans
    left join targets
        on figures.metric_code = targets.metric_code
        and plans.plan_code = targets.plan_code
        and figures.month_on = targets.month_on
        and figures.scope_kind = targets.scope_kind
        and figures.scope_code = targets.scope_code
    where figures.metric_order < 6 and figures.period_kind = 'ytd' and targets.metric_code is null
),

every as (
    select
        metric_code,
        variant,
        is_official,
        plan_code,
        month_on,
        scope_kind,
        scope_code,
        numerator,
        denominator,
        comparator,
        target_value,
        gap_points,
        shortfall_count,
        is_met,
        clause
    from targets
    union all
    select
        metric_code,
        cast(null as string) as variant,
        true as is_official,
        plan_code,
        month_on,
        scope_kind,
        scope_code,
        numerator,
        denominator,
        cast(null as string) as comparator,
        cast(null as decimal(9, 2)) as target_value,
        cast(null as decimal(18, 6)) as gap_points,
        cast(null as bigint) as shortfall_count,
        cast(null as boolean) as is_met,
        cast(null as string) as clause
    from without_target
),

months as (
    select * from figures where period_kind = 'month'
),

to_date as (
    select * from figures where period_kind = 'ytd'
)

select
    every.metric_code,
    every.variant,
    metrics.metric_name,
    {{ headline_order('every.metric_code') }} as metric_order,
    metrics.counted,
    every.plan_code,
    plans.plan_name,
    cast(plans.plan_order as int) as plan_order,
    {{ format_time('every.month_on', 'yyyy-MM') }} as month,
    every.month_on,
    every.scope_kind,
    every.scope_code,
    scopes.breadth,
    scopes.scope_name,
    scopes.level_name,
    scopes.county_code,
    scopes.county_name,
    scopes.town_code,
    scopes.unit_code,
    scopes.unit_name,
    every.numerator,
    every.denominator,
    case when every.is_official then months.numerator end as month_numerator,
    case when every.is_official then months.denominator end as month_denominator,
    every.comparator,
    every.target_value,
    cast(every.gap_points as double) as gap_points,
    every.shortfall_count,
    every.is_met,
    case
        when every.denominator = 0 then '无业务' when every.is_met is null then '无目标' when every.is_met then '达标' else '未达标'
    end as attainment_name,
    case when every.is_official then to_date.place end as place,
    case when every.is_official then to_date.ranked_count end as ranked_count,
    every.clause
from every
inner join plans on every.plan_code = plans.plan_code
inner join metrics on every.metric_code = metrics.metric_code
inner join {{ ref('dim_scopes') }} as scopes
    on every.scope_kind = scopes.scope_kind and every.scope_code = scopes.scope_code
left join months
    on every.metric_code = months.metric_code
    and every.month_on = months.month_on
    and every.scope_kind = months.scope_kind
    and every.scope_code = months.scope_code
left join to_date
    on every.metric_code = to_date.metric_code
    and every.month_on = to_date.month_on
    and every.scope_kind = to_date.scope_kind
    and every.scope_code = to_date.scope_code
