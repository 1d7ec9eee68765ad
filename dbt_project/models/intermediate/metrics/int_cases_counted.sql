{% set groups = [
    'closed_month', 'subject', 'unit_code', 'level_code', 'region_code', 'county_code', 'person_theme_code',
    'legal_theme_code', 'special_theme_code', 'channel_code'
] %}
{{ config(materialized='incremental', incremental_strategy='counted', meta={'replaces': 'counts'}, unique_key=groups) }}
{# 指标的底数：把办件按月份与各维度归拢，各口径各数一遍；其后一切汇总都只加这些数。办结在将来月份的也在此，期间不取。 #}
with cases as (
    {{ moved_rows('fct_cases') }}
)

select
    {{ groups | join(', ') }},
    {{ definition_counts('case', signed=true) }},
    {{ counted() }} as row_count
from cases
where closed_month is not null and subject in ('licence', 'public_service')
group by {{ groups | join(', ') }}
