with long as (
    {% for definition in definitions_of() if definition.grain in ('case', 'item') -%}
    select
        '{{ definition.code }}' as metric_code,
        '{{ definition.variant }}' as variant,
        '{{ definition.version }}' as definition_version,
        {{ 'true' if definition.is_official else 'false' }} as is_official,
        subject,
        period_kind,
        period,
        scope_kind,
        scope_code,
        {{ definition.prefix }}_numerator as numerator,
        {% if definition.kind == 'count' -%}
        cast(null as bigint) as denominator,
        {% else -%}
        {{ definition.prefix }}_denominator as denominator,
        {% endif -%}
        {{ definition.prefix }}_unknown_count as unknown_count,
        {{ definition.prefix }}_abandoned_count as abandoned_count,
        cast('{{ definition.valid_from }}' as date) as valid_from,
        cast({{ "'" ~ definition.valid_to ~ "'" if definition.valid_to else 'null' }} as date) as valid_to
    from {{ ref('int_cases_by_period') if definition.grain == 'case' else ref('int_items_by_period') }}
    {% if definition.only %}where subject = '{{ definition.only }}'{% endif %}
    union all
    {% endfor -%}
    select
        definitions.metric_code,
        definitions.variant,
        definitions.definition_version,
        definitions.is_official,
        things.subject,
        things.period_kind,
        things.period,
        things.scope_kind,
        things.scope_code,
        things.numerator,
        things.denominator,
        things.unknown_count,
        things.abandoned_count,
        definitions.valid_from,
        definitions.valid_to
    from {{ ref('int_things_by_period') }} as things
    inner join {{ ref('dim_metrics') }} as definitions on things.prefix = definitions.prefix
)

select
    long.metric_code,
    long.variant,
    long.definition_version,
    long.is_official,
    long.subject,
    long.period_kind,
    long.period,
    periods.period_start,
    periods.period_end,
    long.scope_kind,
    long.scope_code,
    long.numerator,
    long.denominator,
    long.unknown_count,
    long.abandoned_count
from long
inner join {{ ref('dim_periods') }} as periods
    on long.period_kind = periods.period_kind and long.period = periods.period
where
    periods.period_end >= long.valid_from
    and (long.valid_to is null or periods.period_end <= long.valid_to)
