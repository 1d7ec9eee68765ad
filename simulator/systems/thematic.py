"""What do the thematic databases keep? Credit entries, poor households, inspections of the market.

A credit entry that was mended is taken out of the table; a household leaves the list when it is no longer poor.
"""

from simulator.systems.tables import Table


def _credit(until: str) -> str:
    return f"""
        with entered as (
            select *, office(date '2017-01-09' + pick('credit', eid, 500)::integer, 'credit', eid) as entered_at
            from firms where pick('has credit', eid, 30) = 0),
        versions as (
            select *, 1 as edition, entered_at as seen_at from entered
            union all select *, 2, entered_at + interval 4 day from entered where pick('credit typo', eid, 20) = 0)
        select 'XY' || strftime(entered_at, '%Y%m%d') || lpad(eid::varchar, 6, '0') as jlbh, credit_code as tyshxydm,
            ['红名单', '黑名单', '行政处罚'][1 + pick('credit kind', eid, 3)] as jllx,
            ['按期纳税', '未按期公示年报', '违法经营'][1 + pick('credit kind', eid, 3)]
                || case when edition = 1 and pick('credit typo', eid, 20) = 0 then '（待核）' else '' end as sy,
            entered_at::date as rdrq, (entered_at + interval 3 year)::date as yxqz,
            written(seen_at, concat('credit', eid, edition)) as gxsj, seen_at,
            case when pick('mended', eid, 4) = 0 and pick('credit kind', eid, 3) > 0
                then entered_at + to_days((60 + pick('mending', eid, 200))::integer) end as gone_at
        from versions where seen_at <= {until}"""


def _inspections(until: str) -> str:
    return f"""
        with inspected as (
            select *, office(date '2017-01-09' + pick('inspected', eid, 550)::integer, 'inspected', eid) as inspected_at
            from firms where pick('inspects', eid, 12) = 0),
        versions as (
            select *, 1 as edition, inspected_at + interval 3 hour as seen_at from inspected
            union all select *, 2, inspected_at + interval 15 day from inspected where pick('finds', eid, 8) = 0)
        select 'JC' || strftime(inspected_at, '%Y%m%d') || lpad(eid::varchar, 6, '0') as jcbh,
            -- some offices still write the old registration number
            case when eid % 9 = 0 and kind <> '事业单位' then registration_no else credit_code end as tyshxydm,
            ['双随机抽查', '专项检查', '投诉核查'][1 + pick('inspection', eid, 3)] as jclx, inspected_at as jcsj,
            case when pick('finds', eid, 8) > 0 then '合格' when edition = 1 then '责令改正' else '整改合格' end as jg,
            written(seen_at, concat('inspection', eid, edition)) as gxsj, seen_at, null::timestamp as gone_at
        from versions where seen_at <= {until}"""


def _households(until: str) -> str:
    return f"""
        with listed as (
            select *, office(date '2016-06-01' + pick('listed', pid, 600)::integer, 'listed', pid) as listed_at
            from persons where pid % 60 = 4),
        versions as (
            select *, 1 as edition, listed_at as seen_at from listed
            union all select *, 2, listed_at + to_days((100 + pick('visited', pid, 500))::integer) from listed
                where pick('visits', pid, 2) = 0)
        select 'PK' || lpad(pid::varchar, 8, '0') as 户编号,
            case pick('odd name', pid, 60) when 0 then left(name, 1) || '小' || right(name, 1) else name end as 户主姓名,
            id_no as 户主身份号码,
            ['因病', '因残', '缺劳力', '因学'][1 + pick('why poor', pid, 4)] as 致贫原因,
            (1 + pick('heads', pid, 6) + case edition when 2 then 1 else 0 end)::integer as 人口数,
            listed_at::date as 识别日期, seen_at as 更新时间, seen_at,
            case when pick('leaves list', pid, 3) = 0
                then listed_at + to_days((200 + pick('leaving list', pid, 500))::integer) end as gone_at
        from versions where seen_at <= {until}"""


IN_POSTGRES = (
    Table("credit", "xyjl", ("jlbh",), _credit),
    Table("market_supervision", "jcjl", ("jcbh",), _inspections),
)
IN_SQLITE = (Table("poverty_relief", "households", ("户编号",), _households),)
