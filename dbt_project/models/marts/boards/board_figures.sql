{# The official figures of each month and of January to it, in words, with their place among their equals. #}
with periods as (
    select
        period_kind,
        period,
        cast(date_trunc('month', period_end) as date) as month_on,
        {{ format_time('period_end', 'yyyy-MM') }} as month,
        state_on >= period_end as is_over
    from {{ ref('dim_periods') }}
    where period_kind in ('month', 'ytd')
),

metrics as (
    select * from {{ ref('dim_metrics') }} where is_official
),

figures as (
    select held.*
    from {{ ref('metric_values') }} as held
    inner join metrics
        on held.metric_code = metrics.metric_code
        and held.variant = metrics.variant
        and held.definition_version = metrics.definition_version
        and held.subject = metrics.default_subject
    where held.period_kind in ('month', 'ytd')
),

standings as (
    select * from {{ ref('metric_standings') }} where period_kind in ('month', 'ytd')
)

select
    figures.metric_code,
    metrics.metric_name,
    {{ headline_order('figures.metric_code') }} as metric_order,
    metrics.kind,
    metrics.counted,
    figures.period_kind,
    periods.month,
    periods.month_on,
    periods.is_over,
    figures.scope_kind,
    figures.scope_code,
    scopes.breadth,
    scopes.scope_name,
    scopes.level_name,
    scopes.county_code,
    scopes.county_name,
    scopes.town_code,
    scopes.unit_code,
    scopes.unit_name,
    scopes.theme_name,
    figures.numerator,
    figures.denominator,
    standings.place,
    standings.ranked_count,
    standings.change_on_period_before,
    standings.change_on_year_ago
from figures
inner join periods on figures.period_kind = periods.period_kind and figures.period = periods.period
inner join metrics
    on figures.metric_code = metrics.metric_code
    and figures.variant = metrics.variant
    and figures.definition_version = metrics.definition_version
inner join {{ ref('dim_scopes') }} as scopes
    on figures.scope_kind = scopes.scope_kind and figures.scope_code = scopes.scope_code
left join standings
    on figures.metric_code = standings.metric_code
    and figures.variant = standings.variant
    and figures.definition_version = standings.definition_version
    and figures.subject = standings.subject
    and figures.period_kind = standings.period_kind
    and figures.period = standings.period
    and figures.scope_kind = standings.scope_kind
    and figures.scope_code = standings.scope_code
