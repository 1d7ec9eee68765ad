{# A grain's counts in every scope and period, for grains of which rows are few: facts are read once a scope. The way from
   a row to a period is the grain's own (metric_grains.yml). All give period_kind, period, scope_kind, scope_code,
   subject and the columns of `count_columns`. #}
{% macro counted_by_period(grain) %}
{%- set about = var('metric_grains')[grain] -%}
{%- if about['period'] == 'flow' and about.get('distinct') -%}{{ first_of_period(grain, about) }}
{%- elif about['period'] == 'flow' -%}{{ sum_of_months(grain, about) }}
{%- else -%}{{ state_of_month(grain, about) }}
{%- endif -%}
{% endmacro %}

{# Rows of the months of a period, added up. #}
{% macro sum_of_months(grain, about) %}
    select
        periods.period_kind,
        periods.period,
        months.scope_kind,
        months.scope_code,
        months.subject,
        {{ summed_counts(grain) }}
    from (
        {% for kind, code, condition in scopes(grain) -%}
        select
            {{ about['month'] }} as month_on, subject, '{{ kind }}' as scope_kind, {{ code }} as scope_code,
            {{ definition_counts(grain) }}
        from {{ ref(about['fact']) }}
        where {{ condition }} and subject in ({{ quoted_list(about['subjects']) }})
        group by month_on, subject, {{ scope_group(kind, code) }}
        {% if not loop.last %}union all{% endif %}
        {% endfor %}
    ) as months
    inner join {{ ref('dim_periods') }} as periods
        on months.month_on between periods.period_start and periods.state_on
    group by 1, 2, 3, 4, 5
{%- endmacro %}

{# Things as they stand at the end of the period: of each thing one row a scope. A thing is in the numerator when every
   row of it there is (`distinct: every`), or when one is. #}
{% macro state_of_month(grain, about) %}
{%- set every = about.get('distinct') == 'every' -%}
    select
        periods.period_kind,
        periods.period,
        months.scope_kind,
        months.scope_code,
        months.subject,
        {% for name in count_columns(grain) -%}
        months.{{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from (
        select
            month_on, scope_kind, scope_code, subject,
            {% for definition in definitions_of(grain) -%}
            {%- set outer = loop -%}
            {%- for count in count_names() -%}
            {% if count == 'numerator' -%}
            cast(count_if({{ definition['prefix'] }}_in) as bigint)
            {%- elif count == 'denominator' and definition['kind'] == 'share' -%}
            cast(count_if({{ definition['prefix'] }}_of) as bigint)
            {%- else -%}
            cast(0 as bigint)
            {%- endif %} as {{ definition['prefix'] }}_{{ count }}{{ ',' if not (loop.last and outer.last) }}
            {% endfor -%}
            {%- endfor %}
        from (
            {% for kind, code, condition in scopes(grain) -%}
            select
                {% if about['period'] == 'interval' %}ends.period_start{% else %}{{ about['month'] }}{% endif %} as month_on,
                '{{ kind }}' as scope_kind, {{ code }} as scope_code, subject, {{ about['thing'] }} as thing,
                {% for definition in definitions_of(grain) -%}
                {%- set population = definition['population'] | join(' and ') -%}
                bool_or({{ population }}) as {{ definition['prefix'] }}_of,
                {% if every -%}
                bool_or({{ population }}) and bool_and(
                    not ({{ population }}) or ({{ definition['numerator'] | join(' and ') }})
                )
                {%- else -%}
                bool_or({{ (definition['population'] + definition['numerator']) | unique | join(' and ') }})
                {%- endif %} as {{ definition['prefix'] }}_in{{ ',' if not loop.last }}
                {% endfor %}
            from {{ ref(about['fact']) }} as facts
            {% if about['period'] == 'interval' -%}
            inner join {{ ref('dim_periods') }} as ends
                on ends.period_kind = 'month' and facts.{{ about['from'] }} <= ends.state_on
                and (facts.{{ about['until'] }} is null or facts.{{ about['until'] }} > ends.state_on)
            {%- endif %}
            where {{ condition }}
            group by month_on, scope_code, subject, thing
            {% if not loop.last %}union all{% endif %}
            {% endfor %}
        ) as things
        group by month_on, scope_kind, scope_code, subject
    ) as months
    inner join {{ ref('dim_periods') }} as periods
        on months.month_on = cast(date_trunc('month', periods.state_on) as date)
        and periods.period_kind <> 'rolling'
{%- endmacro %}

{# Distinct things over the months of a period: a row counts in a period when it is the first of its thing there, that is
   when the thing's row before it lies ahead of the period. So things are told apart once, and only few groups meet the
   periods. #}
{% macro first_of_period(grain, about) %}
    select
        periods.period_kind,
        periods.period,
        months.scope_kind,
        months.scope_code,
        months.subject,
        {% for definition in definitions_of(grain) -%}
        {%- set outer = loop -%}
        {%- for count in count_names() -%}
        {% if count == 'numerator' -%}
        cast(sum(case when months.prefix = '{{ definition['prefix'] }}' then months.things else 0 end) as bigint)
        {%- else -%}
        cast(0 as bigint)
        {%- endif %} as {{ definition['prefix'] }}_{{ count }}{{ ',' if not (loop.last and outer.last) }}
        {% endfor -%}
        {%- endfor %}
    from (
        select prefix, scope_kind, scope_code, subject, month_on, month_before, count(*) as things
        from (
            select
                *,
                lag(month_on) over (partition by prefix, scope_kind, scope_code, subject, thing order by month_on) as month_before
            from (
                {% for definition in definitions_of(grain) -%}
                {%- set outer = loop -%}
                {% for kind, code, condition in scopes(grain) -%}
                select distinct
                    '{{ definition['prefix'] }}' as prefix, '{{ kind }}' as scope_kind, {{ code }} as scope_code, subject,
                    {{ about['thing'] }} as thing, {{ about['month'] }} as month_on
                from {{ ref(about['fact']) }}
                where {{ condition }} and {{ (definition['population'] + definition['numerator']) | unique | join(' and ') }}
                {% if not (loop.last and outer.last) %}union all{% endif %}
                {% endfor -%}
                {%- endfor %}
            ) as used
        ) as followed
        group by prefix, scope_kind, scope_code, subject, month_on, month_before
    ) as months
    inner join {{ ref('dim_periods') }} as periods
        on months.month_on between periods.period_start and periods.state_on
        and (months.month_before is null or months.month_before < periods.period_start)
    group by 1, 2, 3, 4, 5
{%- endmacro %}

{# The grains whose counts stand in int_things_by_period: all but cases and items, which have models of their own. #}
{% macro small_grains() %}
{%- set found = [] -%}
{%- for grain in var('metric_grains') if grain not in ('case', 'item') -%}{%- do found.append(grain) -%}{%- endfor -%}
{{ return(found) }}
{% endmacro %}
