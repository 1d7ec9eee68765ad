{# Cases that continue an earlier one (YSBLSH). In a total that holds several of one chain in one period only one counts:
   the original where it is there, otherwise the earliest. Here are the others, with the counts to take off again. #}
with linked as (
    select case_no, origin_case_no
    from {{ ref('fct_cases') }}
    where origin_case_no is not null
),

-- 链条逐级上溯，至多五级。
rooted as (
    select
        linked.case_no,
        coalesce(
            up_5.origin_case_no, up_4.origin_case_no, up_3.origin_case_no, up_2.origin_case_no, linked.origin_case_no
        ) as root_case_no
    from linked
    left join linked as up_2 on linked.origin_case_no = up_2.case_no
    left join linked as up_3 on up_2.origin_case_no = up_3.case_no
    left join linked as up_4 on up_3.origin_case_no = up_4.case_no
    left join linked as up_5 on up_4.origin_case_no = up_5.case_no
),

chained as (
    select case_no, root_case_no from rooted
    union
    select root_case_no as case_no, root_case_no from rooted
),

members as (
    select cases.*, chained.root_case_no
    from {{ ref('fct_cases') }} as cases
    inner join chained on cases.case_no = chained.case_no
    where cases.is_business_volume and cases.subject in ('licence', 'public_service')
),

scoped as (
    {% for kind, code, condition in scopes('case') if kind != 'unit' -%}
    select
        '{{ kind }}' as scope_kind,
        {{ code }} as scope_code,
        members.*
    from members
    where {{ condition }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

placed as (
    select
        periods.period_kind,
        periods.period,
        scoped.*,
        row_number() over (
            partition by
                periods.period_kind, periods.period, scoped.scope_kind, scoped.scope_code, scoped.subject,
                scoped.root_case_no
            order by
                case when scoped.case_no = scoped.root_case_no then 0 else 1 end asc,
                scoped.applied_at asc nulls last,
                scoped.case_no asc
        ) as place
    from scoped
    inner join {{ ref('dim_periods') }} as periods
        -- 只扣底数里数过的：办结在将来月份的没有数过
        on scoped.closed_month between periods.period_start and periods.state_on
)

select
    period_kind,
    period,
    scope_kind,
    scope_code,
    subject,
    {{ definition_counts('case') }}
from placed
where place > 1
group by
    period_kind,
    period,
    scope_kind,
    scope_code,
    subject
