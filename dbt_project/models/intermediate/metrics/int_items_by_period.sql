with months as (
    {% for kind, code, condition in scopes('item') -%}
    select
        item_month,
        subject,
        '{{ kind }}' as scope_kind,
        {{ code }} as scope_code,
        {{ definition_counts('item') }}
    from {{ ref('fct_item_months') }}
    where {{ condition }} and subject in ('licence', 'public_service')
    group by item_month, subject, {{ scope_group(kind, code) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    periods.period_kind,
    periods.period,
    months.scope_kind,
    months.scope_code,
    months.subject,
    {% for name in count_columns('item') -%}
    months.{{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from months
inner join {{ ref('dim_periods') }} as periods
    on months.item_month = cast(date_trunc('month', periods.state_on) as date)
    -- 期末的状态在滚动十二个月里就是最后一个月的，不另写
    and periods.period_kind <> 'rolling'
