-- 名次只在同一层级之内，并列的同名；变化与上一期、上年同期比。累计的上一期是到上个月为止的累计。只列正式口径，不列滚动十二个月。
with figures as (
    select
        held.metric_code,
        held.variant,
        held.definition_version,
        held.subject,
        held.period_kind,
        held.period,
        held.period_start,
        held.period_end,
        held.scope_kind,
        held.scope_code,
        held.numerator,
        held.denominator,
        metrics.better,
        case
            when metrics.kind = 'count' then cast(held.numerator as double)
            else held.numerator / nullif(cast(held.denominator as double), 0)
        end as value
    from {{ ref('metric_values') }} as held
    inner join {{ ref('dim_metrics') }} as metrics
        on held.metric_code = metrics.metric_code
        and held.variant = metrics.variant
        and held.definition_version = metrics.definition_version
    where held.scope_kind in ('city', 'level', 'region', 'unit') and held.is_official and held.period_kind <> 'rolling'
),

grouped as (
    select
        figures.*,
        case figures.scope_kind
            when 'region' then concat('region ', regions.region_level)
            when 'unit' then concat('unit ', units.level_code)
        end as level_group
    from figures
    left join {{ ref('dim_regions') }} as regions
        on case when figures.scope_kind = 'region' then figures.scope_code end = regions.region_code
    left join {{ ref('dim_units') }} as units
        on case when figures.scope_kind = 'unit' then figures.scope_code end = units.unit_code
),

ranked as (
    select
        *,
        case
            when level_group is not null and value is not null then rank() over (
                partition by metric_code, variant, definition_version, subject, period_kind, period, level_group
                order by case better when 'lower' then value else -value end asc nulls last
            )
        end as place,
        count(value) over (
            partition by metric_code, variant, definition_version, subject, period_kind, period, level_group
        ) as ranked_count,
        case period_kind
            when 'quarter' then {{ later_months('period_start', -3) }}
            when 'half' then {{ later_months('period_start', -6) }}
            when 'year' then {{ later_months('period_start', -12) }}
            when 'ytd' then case when month(period_end) > 1 then period_start end
            else {{ later_months('period_start', -1) }}
        end as start_before,
        case period_kind
            when 'quarter' then last_day({{ later_months('period_end', -3) }})
            when 'half' then last_day({{ later_months('period_end', -6) }})
            when 'year' then last_day({{ later_months('period_end', -12) }})
            else last_day({{ later_months('period_end', -1) }})
        end as end_before,
        {{ later_months('period_start', -12) }} as start_a_year_ago,
        last_day({{ later_months('period_end', -12) }}) as end_a_year_ago
    from grouped
)

select
    ranked.metric_code,
    ranked.variant,
    ranked.definition_version,
    ranked.subject,
    ranked.period_kind,
    ranked.period,
    ranked.period_start,
    ranked.period_end,
    ranked.scope_kind,
    ranked.scope_code,
    ranked.level_group,
    ranked.numerator,
    ranked.denominator,
    ranked.value,
    cast(ranked.place as int) as place,
    cast(case when ranked.level_group is not null then ranked.ranked_count end as int) as ranked_count,
    before.value as value_before,
    ranked.value - before.value as change_on_period_before,
    earlier.value as value_a_year_ago,
    ranked.value - earlier.value as change_on_year_ago
from ranked
{% for alias, start, end in [('before', 'start_before', 'end_before'), ('earlier', 'start_a_year_ago', 'end_a_year_ago')] -%}
left join figures as {{ alias }}
    on ranked.metric_code = {{ alias }}.metric_code
    and ranked.variant = {{ alias }}.variant
    and ranked.definition_version = {{ alias }}.definition_version
    and ranked.subject = {{ alias }}.subject
    and ranked.period_kind = {{ alias }}.period_kind
    and ranked.scope_kind = {{ alias }}.scope_kind
    and ranked.scope_code = {{ alias }}.scope_code
    and ranked.{{ start }} = {{ alias }}.period_start
    and ranked.{{ end }} = {{ alias }}.period_end
{% endfor %}
