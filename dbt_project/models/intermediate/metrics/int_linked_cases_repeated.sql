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
    select
        cases.*,
        chained.root_case_no,
        row_number() over (
            partition by chained.root_case_no
            order by
                case when cases.case_no = chained.root_case_no then 0 else 1 end asc,
                cases.applied_at asc nulls last,
                cases.case_no asc
        ) as place
    from {{ ref('fct_cases') }} as cases
    inner join chained on cases.case_no = chained.case_no
    where
        cases.is_business_volume
        and cases.subject in ('licence', 'public_service')
        -- 链条上的很少：读到别的办件，只读编号
        and cases.case_no in (select those.case_no from chained as those where those.case_no >= '')
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

-- 让位于谁：排在前面的，其办结月份中离本件最近的前后各一个。含本件又含其一的期间，本件要扣。
preceded as (
    select
        scoped.scope_kind,
        scoped.scope_code,
        scoped.case_no,
        max(case when others.closed_month <= scoped.closed_month then others.closed_month end) as month_before,
        min(case when others.closed_month >= scoped.closed_month then others.closed_month end) as month_after
    from scoped
    inner join scoped as others
        on scoped.scope_kind = others.scope_kind
        and scoped.scope_code = others.scope_code
        and scoped.subject = others.subject
        and scoped.root_case_no = others.root_case_no
        and scoped.place > others.place
    group by scoped.scope_kind, scoped.scope_code, scoped.case_no
),

repeated as (
    select
        scoped.*,
        preceded.month_before,
        preceded.month_after
    from scoped
    inner join preceded
        on scoped.scope_kind = preceded.scope_kind
        and scoped.scope_code = preceded.scope_code
        and scoped.case_no = preceded.case_no
),

grouped as (
    select
        scope_kind,
        scope_code,
        subject,
        closed_month,
        month_before,
        month_after,
        {{ definition_counts('case') }}
    from repeated
    group by scope_kind, scope_code, subject, closed_month, month_before, month_after
)

select
    periods.period_kind,
    periods.period,
    grouped.scope_kind,
    grouped.scope_code,
    grouped.subject,
    {{ summed_counts('case') }}
from grouped
inner join {{ ref('dim_periods') }} as periods
    -- 只扣底数里数过的：办结在将来月份的没有数过
    on grouped.closed_month between periods.period_start and periods.state_on
    and (grouped.month_before >= periods.period_start or grouped.month_after <= periods.state_on)
group by
    periods.period_kind,
    periods.period,
    grouped.scope_kind,
    grouped.scope_code,
    grouped.subject
