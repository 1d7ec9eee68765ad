{{ config(meta={'moves_with': 'month'}) }}
-- 指标的底数：把办件按月份与各维度归拢，各口径各数一遍；其后一切汇总都只加这些数。
select
    closed_month,
    subject,
    unit_code,
    level_code,
    region_code,
    county_code,
    person_theme_code,
    legal_theme_code,
    special_theme_code,
    channel_code,
    {{ definition_counts('case') }}
from {{ ref('fct_cases') }}
where
    closed_month <= (select context.as_of from {{ source('run', 'context') }} as context)
    and subject in ('licence', 'public_service')
group by
    closed_month,
    subject,
    unit_code,
    level_code,
    region_code,
    county_code,
    person_theme_code,
    legal_theme_code,
    special_theme_code,
    channel_code
