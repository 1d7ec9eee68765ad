{# What the dashboards' filters offer to everybody, also to whom no figure belongs: names only, and no count of anything. #}
with months as (
    select distinct
        month,
        month_on
    from {{ ref('board_figures') }}
    where is_over
),

plans as (
    select distinct
        plan_name,
        plan_order
    from {{ ref('board_attainments') }}
),

metrics as (
    select distinct
        metric_name,
        metric_order
    from {{ ref('board_figures') }}
    where metric_order < 6
)

select
    months.month,
    months.month_on,
    plans.plan_name,
    plans.plan_order,
    metrics.metric_name,
    metrics.metric_order
from months
cross join plans
cross join metrics
