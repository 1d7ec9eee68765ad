-- depends_on: {{ ref('dim_periods') }}
{% for grain in small_grains() -%}
-- depends_on: {{ ref(var('metric_grains')[grain]['fact']) }}
{% endfor -%}
with {% for grain in small_grains() %}
{{ grain }}_counts as (
{{ counted_by_period(grain) }}
){{ ',' if not loop.last }}
{% endfor %}
{% for grain in small_grains() -%}
{%- set outer = loop -%}
{% for definition in definitions_of(grain) -%}
select
    '{{ definition.prefix }}' as prefix,
    {% if definition.reference -%}
    coalesce(known.period_kind, counts.period_kind) as period_kind,
    coalesce(known.period, counts.period) as period,
    coalesce(known.scope_kind, counts.scope_kind) as scope_kind,
    coalesce(known.scope_code, counts.scope_code) as scope_code,
    '{{ definition.subject }}' as subject,
    coalesce(counts.{{ definition.prefix }}_numerator, 0) as numerator,
    coalesce(known.figure_value, 0) as denominator,
    cast(0 as bigint) as unknown_count,
    cast(0 as bigint) as abandoned_count
from (
    select periods.period_kind, periods.period, figures.scope_kind, figures.scope_code, figures.figure_value
    from {{ ref('fct_reference_months') }} as figures
    inner join {{ ref('dim_periods') }} as periods
        on figures.figure_month = cast(date_trunc('month', periods.state_on) as date)
    where
        figures.figure_code = '{{ definition.reference }}'
        {% if var('metric_grains')[grain].period != 'flow' %}and periods.period_kind <> 'rolling'{% endif %}
) as known
full join {{ grain }}_counts as counts
    on known.period_kind = counts.period_kind
    and known.period = counts.period
    and known.scope_kind = counts.scope_kind
    and known.scope_code = counts.scope_code
where known.period is not null or counts.{{ definition.prefix }}_numerator > 0
    {%- else -%}
    period_kind,
    period,
    scope_kind,
    scope_code,
    subject,
    {{ definition.prefix }}_numerator as numerator,
    {{ definition.prefix }}_denominator as denominator,
    {{ definition.prefix }}_unknown_count as unknown_count,
    {{ definition.prefix }}_abandoned_count as abandoned_count
from {{ grain }}_counts
where {{ definition.prefix }}_denominator > 0
    {%- endif %}
{% if not (loop.last and outer.last) %}union all{% endif %}
{% endfor -%}
{%- endfor %}
