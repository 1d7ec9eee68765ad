-- 目标是年底的：只与一月以来累计比较；按件数精确比较，不用四舍五入后的百分数。
with targets as (
    select
        targets.*,
        metrics.metric_code,
        metrics.variant,
        metrics.definition_version
    from {{ ref('plan_targets') }} as targets
    inner join {{ ref('dim_metrics') }} as metrics on targets.target_code = metrics.target_code
    where metrics.is_official
),

scopes as (
    select 'city' as scope_kind, '{{ var('division') }}' as scope_code, 'city' as plan_level
    union all
    select 'level' as scope_kind, 'municipal' as scope_code, 'municipal' as plan_level
    union all
    select 'level' as scope_kind, 'county' as scope_code, 'county' as plan_level
    union all
    select 'region' as scope_kind, region_code as scope_code, 'county' as plan_level
    from {{ ref('dim_regions') }}
    where region_level = 'county'
    union all
    select 'unit' as scope_kind, unit_code as scope_code, case level_code when 'municipal' then 'municipal' else 'county' end as plan_level
    from {{ ref('dim_units') }}
),

periods as (
    select * from {{ ref('dim_periods') }} where period_kind = 'ytd'
),

reported as (
    select * from {{ ref('metric_values') }} where period_kind = 'ytd' and subject = 'licence'
),

held_against as (
    select
        targets.plan_code,
        targets.plan_year,
        targets.plan_level,
        targets.plan_level_name,
        targets.target_code,
        targets.metric_code,
        targets.variant,
        targets.definition_version,
        periods.period,
        periods.period_start,
        periods.period_end,
        scopes.scope_kind,
        scopes.scope_code,
        coalesce(reported.numerator, 0) as numerator,
        coalesce(reported.denominator, 0) as denominator,
        targets.comparator,
        targets.target_value,
        targets.clause,
        targets.is_aspirational,
        coalesce(reported.numerator, 0) * 100 - targets.target_value * coalesce(reported.denominator, 0) as margin
    from targets
    inner join scopes on targets.plan_level = scopes.plan_level
    inner join periods on targets.plan_year is null or targets.plan_year = year(periods.period_start)
    left join reported
        on targets.metric_code = reported.metric_code
        and targets.variant = reported.variant
        and targets.definition_version = reported.definition_version
        and periods.period = reported.period
        and scopes.scope_kind = reported.scope_kind
        and scopes.scope_code = reported.scope_code
)

select
    plan_code,
    plan_year,
    plan_level,
    plan_level_name,
    target_code,
    metric_code,
    variant,
    definition_version,
    'ytd' as period_kind,
    period,
    period_start,
    period_end,
    scope_kind,
    scope_code,
    numerator,
    denominator,
    comparator,
    target_value,
    cast(margin / nullif(denominator, 0) as decimal(18, 6)) as gap_points,
    case
        when denominator = 0 then null
        when comparator = '>' then cast(greatest(floor(-margin / 100) + 1, 0) as bigint)
        else cast(greatest(ceil(-margin / 100), 0) as bigint)
    end as shortfall_count,
    case
        when denominator = 0 then null
        when comparator = '>' then margin > 0
        when comparator = '<=' then margin <= 0
        else margin >= 0
    end as is_met,
    clause,
    is_aspirational
from held_against
