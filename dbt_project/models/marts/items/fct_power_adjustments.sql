{{ config(meta={'moves_with': 'day'}) }}
{# Each side of the day on which it takes effect: so many days. A season, and short enough that most of a year's
   adjustments have both sides. #}
{% set window_days = 90 %}
with adjustments as (
    select * from {{ ref('int_power_adjustments_latest') }}
),

context as (
    select cast(as_of as date) as today from {{ source('run', 'context') }}
),

cases as (
    select
        adjustments.adjustment_no,
        cast(fct_cases.applied_at as date) >= adjustments.effective_on as is_after,
        fct_cases.is_applied_online,
        fct_cases.is_business_volume,
        fct_cases.unit_code = adjustments.to_unit_code as is_receivers
    from adjustments
    inner join {{ ref('fct_cases') }} as fct_cases
        on adjustments.item_code = fct_cases.item_code
        and cast(fct_cases.applied_at as date) >= {{ add_days('adjustments.effective_on', '-' ~ window_days) }}
        and cast(fct_cases.applied_at as date) < {{ add_days('adjustments.effective_on', window_days) }}
),

counted as (
    select
        adjustment_no,
        count_if(not is_after) as before_case_count,
        count_if(is_after) as after_case_count,
        count_if(not is_after and is_applied_online) as before_online_count,
        count_if(is_after and is_applied_online) as after_online_count,
        count_if(not is_after and is_business_volume) as before_volume,
        count_if(is_after and is_business_volume) as after_volume,
        count_if(is_after and is_receivers) as after_receiver_case_count
    from cases
    group by adjustment_no
)

select
    adjustments.adjustment_no,
    adjustments.adjustment_kind,
    adjustments.item_code,
    adjustments.from_unit_code,
    adjustments.to_unit_code,
    adjustments.document_no,
    adjustments.effective_on,
    coalesce({{ add_days('adjustments.effective_on', window_days) }} <= context.today, false) as is_window_complete,
    {% for name in [
        'before_case_count', 'after_case_count', 'before_online_count', 'after_online_count', 'before_volume',
        'after_volume', 'after_receiver_case_count'
    ] -%}
    cast(coalesce(counted.{{ name }}, 0) as bigint) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from adjustments
cross join context
left join counted on adjustments.adjustment_no = counted.adjustment_no
