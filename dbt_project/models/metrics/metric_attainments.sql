-- 目标是年底的：只与一月以来累计比较；按件数精确比较，不用四舍五入后的百分数。
-- 一个方案的目标从它的年度起一直是尺子，所以各方案可以并排比较；plan_year 说明它是哪一年的。
with targets as (
    select
        targets.plan_code,
        targets.plan_year,
        targets.plan_level,
        targets.plan_level_name,
        targets.target_code,
        -- 方案给每一件一个限度的（不超过 12 小时），要全部做到：目标是 100%。
        case when metrics.limit_value is null then targets.comparator else '>=' end as comparator,
        case when metrics.limit_value is null then targets.target_value else cast(100 as decimal(9, 2)) end as target_value,
        targets.clause,
        targets.is_aspirational,
        metrics.metric_code,
        metrics.variant,
        metrics.definition_version,
        metrics.grain,
        metrics.default_subject as subject
    from {{ ref('plan_targets') }} as targets
    inner join {{ ref('dim_metrics') }} as metrics on targets.target_code = metrics.target_code
    where
        metrics.kind in ('share', 'ratio')
        and (metrics.limit_value is null or metrics.limit_value = targets.target_value)
        and case when targets.variant is null then metrics.is_official else metrics.variant = targets.variant end
),

scopes as (
    select 'city' as scope_kind, '{{ var('division') }}' as scope_code, 'city' as plan_level
    union all
    select 'level' as scope_kind, 'municipal' as scope_code, 'municipal' as plan_level
    union all
    select 'level' as scope_kind, 'county' as scope_code, 'county' as plan_level
    union all
    select 'level' as scope_kind, 'town' as scope_code, 'town' as plan_level
    union all
    select 'region' as scope_kind, region_code as scope_code, region_level as plan_level
    from {{ ref('dim_regions') }}
    where region_level in ('county', 'town')
    union all
    -- 镇街的部门既在县区之内，也是镇、村一级。
    select 'unit' as scope_kind, units.unit_code as scope_code, levels.plan_level
    from {{ ref('dim_units') }} as units
    inner join (
        select level_code, level_code as plan_level from {{ ref('dim_levels') }}
        union all
        select 'town' as level_code, 'county' as plan_level
    ) as levels on units.level_code = levels.level_code
),

-- 不分层级的目标，全域、各层级、各县区、各部门都比。
all_levels as (
    select distinct scope_kind, scope_code from scopes where not (scope_kind = 'region' and plan_level = 'town')
),

placed as (
    select plan_level, scope_kind, scope_code from scopes
    union all
    select 'all' as plan_level, scope_kind, scope_code from all_levels
),

-- 网页、用户等不按部门统计的，部门没有这项目标，不是「无业务」。
counted as (
    select distinct grain, scope_kind from {{ ref('dim_metric_scopes') }}
),

periods as (
    select * from {{ ref('dim_periods') }} where period_kind = 'ytd'
),

reported as (
    select * from {{ ref('metric_values') }} where period_kind = 'ytd'
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
        targets.subject,
        periods.period,
        periods.period_start,
        periods.period_end,
        placed.scope_kind,
        placed.scope_code,
        coalesce(reported.numerator, 0) as numerator,
        coalesce(reported.denominator, 0) as denominator,
        targets.comparator,
        targets.target_value,
        targets.clause,
        targets.is_aspirational,
        coalesce(reported.numerator, 0) * 100 - targets.target_value * coalesce(reported.denominator, 0) as margin
    from targets
    inner join placed on targets.plan_level = placed.plan_level
    inner join counted on targets.grain = counted.grain and placed.scope_kind = counted.scope_kind
    inner join periods on targets.plan_year is null or targets.plan_year <= year(periods.period_start)
    left join reported
        on targets.metric_code = reported.metric_code
        and targets.variant = reported.variant
        and targets.definition_version = reported.definition_version
        and periods.period = reported.period
        and targets.subject = reported.subject
        and placed.scope_kind = reported.scope_kind
        and placed.scope_code = reported.scope_code
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
    subject,
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
