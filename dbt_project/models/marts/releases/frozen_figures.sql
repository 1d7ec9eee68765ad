{% set named_by = ['metric_code', 'variant', 'definition_version', 'subject', 'period_kind', 'period', 'scope_kind', 'scope_code'] %}
{% set counts = ['numerator', 'denominator', 'unknown_count', 'abandoned_count'] %}
-- 冻结当时的数字与现在的并列；冻结以后才出现的，冻结数为空。
with frozen as (
    select * from {{ source('run', 'frozen_values') }}
),

months as (
    select
        frozen_month,
        max(frozen_at) as frozen_at,
        last_day(cast(concat(frozen_month, '-01') as date)) as period_end
    from frozen
    group by frozen_month
),

present as (
    select figures.*, months.frozen_month, months.frozen_at
    from {{ ref('metric_values') }} as figures
    inner join months on figures.period_end = months.period_end
)

select
    coalesce(frozen.frozen_month, present.frozen_month) as frozen_month,
    coalesce(frozen.frozen_at, present.frozen_at) as frozen_at,
    {% for name in named_by -%}
    coalesce(frozen.{{ name }}, present.{{ name }}) as {{ name }},
    {% endfor -%}
    {% for name in counts -%}
    cast(frozen.{{ name }} as bigint) as frozen_{{ name }},
    cast(present.{{ name }} as bigint) as present_{{ name }},
    {% endfor -%}
    {% for name in counts -%}
    {{ 'or ' if not loop.first }}(frozen.{{ name }} is distinct from present.{{ name }})
    {% endfor %} as is_changed
from frozen
full join present
    on frozen.frozen_month = present.frozen_month
    {% for name in named_by -%}
    and frozen.{{ name }} = present.{{ name }}
    {% endfor %}
