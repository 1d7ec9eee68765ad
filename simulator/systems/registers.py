"""What do the base registers keep? All persons once, then each day's changes; all legal persons, rewritten in place.

Some entries of persons are still under the number of 15 digits; of some sex or day of birth is not what the number says.
Persons die, move away and in, get another name, and are found to have two entries, of which one is struck off. Legal
persons are founded, merged, split, deregistered; one that is no more is gone from the table, and the list of changes
says why.
"""

from datetime import datetime

from simulator.systems.tables import Table

_FULL = datetime(2017, 11, 30, 2)
FULL_AT = f"timestamp '{_FULL}'"
_FROM = "date '2017-12-01'"
_PERSON = """
    case when pick('old number', pid, 300) = 0 and substr(id_no, 7, 2) = '19' then left(id_no, 6) || substr(id_no, 9, 9)
        else id_no end as 公民身份号码, {name} as 姓名,
    case when (substr(id_no, 17, 1)::integer + (pick('odd sex', pid, 700) = 0)::integer) % 2 = 1 then '男' else '女' end
        as 性别,
    strptime(substr(id_no, 7, 8), '%Y%m%d')::date + case pick('odd birth', pid, 900) when 0 then 30 else 0 end as 出生日期,
    left(id_no, 6) as 户籍区划,
    city() || (select name from areas where place = pick('lives', pid, (select count(*) from areas)))
        || (1 + pick('house', pid, 400)) || '号' as 住址"""
# Who is not yet here when the full list is made.
_COMES = "pick('person', pid, 1000) between 70 and 84"


def _persons(until: str) -> str:
    return f"""
        select {_PERSON.format(name="name")}, {FULL_AT} as seen_at, null::timestamp as gone_at
        from persons where not ({_COMES}) and {FULL_AT} <= {until}"""


def _person_changes(until: str) -> str:
    return f"""
        with fated as (
            select *, pick('person', pid, 1000) as fate,
                office({_FROM} + pick('person day', pid, 150)::integer, 'person', pid) as changed_at from persons),
        changes as (
            select *, case when fate < 30 then '变更' when fate < 45 then '死亡' when fate < 60 then '迁出'
                when fate < 65 then '合并' else '迁入' end as kind,
                case when pick('slow', pid, 15) = 0 then 2 else 1 end as days from fated
            where fate < 65 or {_COMES})
        select 'RK' || strftime(changed_at, '%Y%m%d') || lpad(pid::varchar, 8, '0') as 变更流水号, kind as 变更类型,
            {_PERSON.format(name="case when kind = '变更' then left(name, 1) || '泽' || right(name, 1) else name end")},
            case when kind = '合并' then (select o.id_no from persons o where o.pid = (c.pid + 1) %
                (select count(*) from persons)) end as 保留号码,
            changed_at as 变更时间, changed_at::date + to_days(days) + interval 3 hour as seen_at,
            null::timestamp as gone_at
        from changes c where changed_at::date + to_days(days) + interval 3 hour <= {until}"""


# What happens to a firm, and when; `eid` and the next one are the two parties of a merger and of a split.
_FIRMS = f"""
    fated as (
        select *, pick('legal', eid // 2, 1000) as fate,
            office({_FROM} + pick('legal day', eid // 2, 150)::integer, 'legal', eid // 2) as changed_at,
            eid % 2 = 1 as is_second from firms),
    parties as (
        select f.* rename (kind as kind_of), o.credit_code as other_code,
            case when fate < 10 and is_second then '注销' when fate between 10 and 13 then '合并'
                when fate between 14 and 17 then '分立' when fate between 18 and 37 and is_second then '变更'
                when fate between 38 and 47 and is_second then '设立' end as kind
        from fated f left join (select eid, credit_code from firms) o
            on o.eid = case when f.is_second then f.eid - 1 else f.eid + 1 end)"""


def _legal_persons(until: str) -> str:
    return f"""
        with {_FIRMS},
        versions as (
            -- the second party of a split and a new foundation are not there before
            select *, 1 as edition, case when kind = '设立' or (kind = '分立' and is_second) then changed_at
                else timestamp '2016-01-04 09:00:00' + to_seconds(pick('founded', eid, 50000000)) end as seen_at
            from parties
            union all
            select *, 2, changed_at from parties
            where kind = '变更' or (kind in ('合并', '分立') and not is_second))
        select credit_code as tyshxydm, org_code as zzjgdm,
            case when edition = 2 and kind = '变更' then replace(name, '有限公司', '股份有限公司') else name end as mc,
            kind_of as lx, (500 + pick('capital', eid, 300) * case when edition = 2 and kind <> '变更' then 2 else 1 end
                )::decimal(16, 2) as zczb_wy,
            city() || case kind_of when '事业单位' then '机构编制委员会办公室' else '工商行政管理局' end as djjg,
            '存续' as zt, written(seen_at, concat(eid, edition)) as gxsj, seen_at,
            case when kind = '注销' or (kind = '合并' and is_second) then changed_at end as gone_at
        from versions where seen_at <= {until}
        union all
        select social_code, social_org_code, social_name, '社会组织', 3::decimal(16, 2), city() || '民政局', '存续',
            written(founded_at, concat('social', eid)), founded_at, null::timestamp
        from (select *, timestamp '2016-01-04 09:00:00' + to_seconds(pick('social founded', eid, 50000000)) as founded_at
            from firms where eid % 4 = 1)
        where founded_at <= {until}"""


def _legal_person_changes(until: str) -> str:
    return f"""
        with {_FIRMS}
        select 'BG' || strftime(changed_at, '%Y%m%d') || lpad(eid::varchar, 6, '0') as bgxh, credit_code as tyshxydm,
            kind as bglx, case when kind in ('合并', '分立') then other_code end as glxydm,
            case when kind in ('合并', '分立') then case when is_second then '乙方' else '甲方' end end as js,
            null::varchar as yzch,
            changed_at as bgsj, written(changed_at + interval 5 minute, concat('change', eid)) as gxsj,
            changed_at + interval 5 minute as seen_at, null::timestamp as gone_at
        from parties where kind is not null and changed_at + interval 5 minute <= {until}
        union all
        -- since October 2015 the unified code takes the place of the old registration number
        select 'HZ' || strftime(renewed_at, '%Y%m%d') || lpad(eid::varchar, 6, '0'), credit_code, '换照', null, null,
            registration_no, renewed_at, written(renewed_at + interval 5 minute, concat('renewed', eid)),
            renewed_at + interval 5 minute, null
        from (select *, office(date '2015-10-08' + pick('renewed', eid, 700)::integer, 'renewed', eid) as renewed_at
            from firms where eid % 3 = 0 and kind <> '事业单位')
        where renewed_at + interval 5 minute <= {until}"""


PERSONS = Table("population_register", "persons", ("公民身份号码",), _persons, until=_FULL)
PERSON_CHANGES = Table("population_register", "changes", ("变更流水号",), _person_changes)
IN_POSTGRES = (
    Table("legal_person_register", "fr_jbxx", ("tyshxydm",), _legal_persons),
    Table("legal_person_register", "fr_bgjl", ("bgxh",), _legal_person_changes),
)
