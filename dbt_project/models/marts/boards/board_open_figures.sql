{# What everybody may see: figures of months that are over, of the city, its levels and counties and nothing smaller.

   Privacy floor: where a figure counts people's matters, it is told only of five or more. The levels and counties add up
   to the city, and a month is what January to it has more than January to the month before: so one that is too small is
   withheld with its likes of that month, and so is from then on the sum since January. #}
{% set floor = 5 %}
with official as (
    select distinct
        metric_code,
        variant,
        grain in ('item', 'licence_kind', 'page_check') as is_of_services
    from {{ ref('dim_metrics') }}
    where is_official
),

metrics as (
    select distinct
        metric_code,
        is_of_services
    from official
),

figures as (
    select
        board.*,
        case board.scope_kind when 'city' then 'whole' else 'parts' end as told_with,
        coalesce(
            not metrics.is_of_services
            and case when board.kind in ('count', 'ratio') then board.numerator else board.denominator end
            between 1 and {{ floor - 1 }},
            false
        ) as is_small
    from {{ ref('board_figures') }} as board
    inner join metrics on board.metric_code = metrics.metric_code
    where board.is_over and board.scope_kind in ('city', 'level', 'region') and board.town_code is null
),

months as (
    select
        metric_code,
        told_with,
        month_on,
        max(case when is_small and period_kind = 'month' then 1 else 0 end) as month_is_small,
        max(case when is_small then 1 else 0 end) as any_is_small
    from figures
    group by metric_code, told_with, month_on
),

withheld as (
    select
        metric_code,
        told_with,
        month_on,
        month_is_small = 1 as is_month_withheld,
        max(any_is_small) over (
            partition by metric_code, told_with, date_trunc('year', month_on) order by month_on asc
        ) = 1 as is_year_withheld
    from months
),

told as (
    select
        figures.*,
        not case figures.period_kind when 'month' then withheld.is_month_withheld else withheld.is_year_withheld end as is_told
    from figures
    inner join withheld
        on figures.metric_code = withheld.metric_code
        and figures.told_with = withheld.told_with
        and figures.month_on = withheld.month_on
),

targets as (
    select
        'ytd' as period_kind,
        held.metric_code,
        held.month_on,
        held.scope_kind,
        held.scope_code,
        held.target_value,
        held.gap_points,
        held.is_met
    from {{ ref('board_attainments') }} as held
    inner join official on held.metric_code = official.metric_code and held.variant = official.variant
    where held.plan_order = 0 and held.target_value is not null
)

select
    told.metric_code,
    told.metric_name,
    told.metric_order,
    told.kind,
    told.counted,
    told.period_kind,
    told.month,
    told.month_on,
    told.scope_kind,
    told.scope_code,
    told.scope_name,
    told.county_name,
    told.is_told,
    case when told.is_told then told.numerator end as numerator,
    case when told.is_told then told.denominator end as denominator,
    case
        when not told.is_told then '数小不公布'
        when told.kind = 'count' then cast(told.numerator as string)
        when coalesce(told.denominator, 0) = 0 then '无业务'
        when told.kind = 'mean' then cast(cast(told.numerator * 1.0 / told.denominator as decimal(9, 2)) as string)
        else concat(cast(cast(told.numerator * 100.0 / told.denominator as decimal(9, 2)) as string), ' %')
    end as value_text,
    cast(targets.target_value as double) as target_percent,
    case when told.is_told then targets.gap_points end as gap_points,
    case when told.is_told then targets.is_met end as is_met
from told
left join targets
    on told.period_kind = targets.period_kind
    and told.metric_code = targets.metric_code
    and told.month_on = targets.month_on
    and told.scope_kind = targets.scope_kind
    and told.scope_code = targets.scope_code
