with months as (
    {% for kind, code, condition in scopes('case') -%}
    select
        closed_month,
        subject,
        '{{ kind }}' as scope_kind,
        {{ code }} as scope_code,
        {{ summed_counts('case') }}
    from {{ ref('int_cases_counted') }}
    where {{ condition }}
    group by closed_month, subject, {{ scope_group(kind, code) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

together as (
    select
        periods.period_kind,
        periods.period,
        months.scope_kind,
        months.scope_code,
        months.subject,
        {% for name in count_columns('case') -%}
        months.{{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from months
    inner join {{ ref('dim_periods') }} as periods
        on months.closed_month between periods.period_start and periods.state_on
    union all
    select
        period_kind,
        period,
        scope_kind,
        scope_code,
        subject,
        {% for name in count_columns('case') -%}
        -{{ name }} as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_linked_cases_repeated') }}
)

select
    period_kind,
    period,
    scope_kind,
    scope_code,
    subject,
    {{ summed_counts('case') }}
from together
group by
    period_kind,
    period,
    scope_kind,
    scope_code,
    subject
