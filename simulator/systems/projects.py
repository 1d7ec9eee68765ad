"""What do the investment-project platform and the public-resource platform keep? Projects, their cases, their deals.

A project's code (项目代码) holds over all cases of the project: those of one firm, in every department.
"""

from simulator.systems.tables import Table

_BUILDERS = "('%发展和改革局', '%国土资源局', '%住房和城乡建设局', '%城乡规划局', '%环境保护局', '%水务局')"
# One project a firm: the year in which it began, region, kind of the project, running number.
_CODE = (
    "(2016 + eid % 2)::varchar || '-' || division() || '-' || lpad((10 + eid % 80)::varchar, 2, '0') || '-'"
    " || lpad((1 + eid % 3)::varchar, 2, '0') || '-' || lpad(eid::varchar, 6, '0')"
)

_CASES = f"""
    select {_CODE} as xmdm, c.sblsh, c.sxbm,
        case when v.unit_name like '%发展和改革局' then '立项' when v.unit_name like '%住房和城乡建设局' then '施工许可'
            else '报建' end as jd,
        written(c.seen_sb, c.sblsh) as gxsj, c.seen_sb as seen_at, null::timestamp as gone_at
    from plan c join versions v using (vid)
    where c.applicant <> 1 and c.eid % 40 = 3 and v.level_code <> 'town'"""


def _projects(until: str) -> str:
    return f"""
        with begun as (
            select *, office(date '2017-01-09' + pick('project', eid, 540)::integer, 'project', eid) as begun_at
            from firms where eid % 40 = 3),
        versions as (
            select *, 1 as stage, begun_at as seen_at from begun
            union all select *, 2, begun_at + to_days((30 + pick('stage', eid, 60))::integer) from begun
            union all select *, 3, begun_at + to_days((120 + pick('stage', eid, 90))::integer) from begun
            union all select *, 4, begun_at + to_days((300 + pick('stage', eid, 200))::integer) from begun
                where pick('ends', eid, 10) > 0)
        select {_CODE} as xmdm, name || ['技改', '扩建', '新建厂房'][1 + eid % 3] || '项目' as xmmc,
            credit_code as xmdw,
            ['审批', '核准', '备案'][1 + eid % 3] as xmlx,
            (100 + pick('amount', eid, 90000))::decimal(16, 2) as ztz_wy,
            ['立项', '报建', '施工', '竣工'][stage] as xmzt, begun_at as cjsj,
            written(seen_at, concat(eid, stage)) as gxsj, seen_at,
            case when pick('given up', eid, 40) = 0 then begun_at + interval 200 day end as gone_at
        from versions where seen_at <= {until}"""


def _deals(until: str) -> str:
    return f"""
        with sizes as (select count(*) as firms from firms),
        announced as (
            select *, 'JY' || strftime(day, '%Y%m%d') || n as deal_no, concat(strftime(day, '%Y%m%d'), n) as id,
                office(day, 'deal', concat(strftime(day, '%Y%m%d'), n)) as announced_at
            from (select unnest(range(date '2017-01-03', {until}::date + 1, interval 1 day))::date as day),
                unnest([1, 2]) numbers(n)
            where dayofweek(day) between 1 and 5),
        numbered as (
            select a.*, pick('of project', id, firms // 40) * 40 + 3 as project, pick('wins', id, firms) as winner
            from announced a, sizes),
        editions as (
            select *, '公告' as state, announced_at as seen_at from numbered
            union all select *, '开标', announced_at + interval 20 day from numbered
            union all select *, case pick('fails', id, 12) when 0 then '终止' else '成交' end,
                announced_at + interval 23 day from numbered)
        select deal_no, ['工程建设', '政府采购', '土地使用权', '产权'][1 + pick('deal kind', id, 4)] as deal_kind,
            case when pick('deal kind', id, 4) = 0 then {_CODE.replace("eid", "v.project")} end as project_code,
            announced_at, state, (10 + pick('price', id, 5000))::decimal(16, 2) as budget_10k_yuan,
            case when state = '成交' then (9 + pick('price', id, 4900))::decimal(16, 2) end as price_10k_yuan,
            case when state = '成交' then f.credit_code end as winner_credit_code,
            written(seen_at, concat(id, state)) as updated_at, seen_at, null::timestamp as gone_at
        from editions v join firms f on f.eid = v.winner where seen_at <= {until}"""


IN_POSTGRES = (
    Table("investment_projects", "xm", ("xmdm",), _projects),
    Table("investment_projects", "xm_bj", ("sblsh",), of_cases=_CASES),
)
SERVED = (Table("public_resources", "deals", ("deal_no",), _deals),)
