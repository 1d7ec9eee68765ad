"""How does each source hold its cases? The platform's new rows, the bureau's own words, the towns' lines."""

import duckdb

from simulator import fault_kinds
from simulator.carriers import BUREAU, PLATFORM, TOWN
from simulator.record_columns import RECORDS


def load_platform(connection: duckdb.DuckDBPyConnection, since: str, until: str, *, advances: bool) -> int:
    """Add the rows that became visible in (since, until] to the platform's tables; their number.

    All tables and the mark of how far the platform has come change in one transaction: a step that broke off later
    and is made again adds nothing twice.
    """
    mark = connection.execute(
        "select max(emitted_until) from unified_platform.public.emission_mark"
    ).fetchone()
    if mark and mark[0] is not None:
        since = f"greatest({since}, timestamp '{mark[0]}')"
    total = 0
    connection.execute("begin transaction")
    for name, record in RECORDS.items():
        columns = ", ".join(record.columns)
        count = connection.execute(
            f"insert into unified_platform.public.ex_gdbs_{name} select {columns}, _version, _written from all_{name}"
            f" where _source = {PLATFORM} and _seen > {since} and _seen <= {until}"
        ).fetchone()
        total += int(count[0]) if count else 0
    if advances:
        connection.execute(f"insert into unified_platform.public.emission_mark values ({until})")
    connection.execute("commit")
    return total


_OLD_NUMBER = (
    "case when {kind} = '111' and {case} % 5 < 3 and substr({no}, 7, 2) = '19' and {sound}"
    " then left({no}, 6) || substr({no}, 9, 9) else {no} end"
)


def bureau_rows(since: str, until: str) -> str:
    """SQL: the wide rows, as at `until`, of the bureau's cases that changed in (since, until]."""
    sound = f"coalesce(sb._defect, -1) <> {fault_kinds.NUMBER['bad_id_number']}"
    number = _OLD_NUMBER.format(kind="sb.SQRZJLX", case="sb._case_id", no="sb.SQRZJHM", sound=sound)
    collector = _OLD_NUMBER.format(kind="'111'", case="sb._case_id", no="lq.LQRSFZJHM", sound="true")
    way = "case {} when '0' then '001' when '1' then '002' when '8' then '003' end"
    joins = " ".join(
        f"left join latest_{table} {alias} on {alias}._case_id = sb._case_id"
        for table, alias in (("wsysl", "y"), ("sl", "sl"), ("bj", "bj"), ("lqdj", "lq"))
    )
    moved = "greatest(sb._written, y._written, sl._written, bj._written, lq._written)"
    seen = "greatest(sb._seen, y._seen, sl._seen, bj._seen, lq._seen)"
    return f"""
        select sb.SBLSH as ywh, sb.SXBM as sxdm, sb.SXMC as sxmc, sb.SQRMC as sqrxm,
            case sb.SQRLX when '1' then '01' when '2' then '02' else '03' end as sqrlb,
            case sb.SQRZJLX when '111' then '01' when '50' then '02' else '03' end as zjlb, {number} as zjhm,
            sb.LXRXM as lxr, sb.LXRSJ as lxdh, sb.SBXMMC as xmmc, sb.SBCLQD as clqd, {way.format("sb.TJFS")} as sqfs,
            sb.SBSJ as sqsj, sb.SBJTWD as wddm, left(sb.XZQHDM, 6) as qhdm, sb.SBBMZZJGDM as bmdm, y.BLRXM as yslr,
            y.YSLSJ as yslsj, case y.YSLZTDM when '2' then '20' when '1' then '10' end as yslzt, sl.BLRXM as slr,
            sl.SLSJ as slsj, case sl.SLZTDM when '1' then '10' when '2' then '20' end as slzt, sl.SLHZH as slhz,
            sl.GDBLSX as blsx, case sl.GDBLSXDW when 'G' then '1' when 'Z' then '2' end as sxdw, sl.SLZLQD as slclqd,
            coalesce(sl.BSLYY, y.BSLYY) as bslyy, case when bj._case_id is not null then sl.BLRXM end as bjr,
            bj.BJSJ as bjsj, '0' || bj.BJJGDM as bjjg, bj.BJJGMS as jgms, bj.ZFHTHYY as thyy, bj.ZJGZMC as zjmc,
            bj.ZJBH as zjbh, bj.ZJYXQX as yxqz, bj.FZGZDW as fzdw, bj.SFJE as sfje, lq.LQRXM as lqr,
            {collector} as lqzjhm, {way.format("lq.LQFS")} as lqfs, lq.LQSJ as lqsj, sb.BZ as bz,
            c.seen_sb as cjsj, {moved} as gxsj
        from latest_sb sb join plan c on c.case_id = sb._case_id {joins}
        where sb._source = {BUREAU} and {seen} > {since} and {seen} <= {until}
        union all by name
        select sb.SBLSH as ywh, sb.SXBM as sxdm, sb.SXMC as sxmc, sb.SQRMC as sqrxm,
            case sb.SQRLX when '1' then '01' when '2' then '02' else '03' end as sqrlb,
            case sb.SQRZJLX when '111' then '01' when '50' then '02' else '03' end as zjlb, sb.SQRZJHM as zjhm,
            sb.LXRXM as lxr, sb.LXRSJ as lxdh, sb.SBXMMC as xmmc, sb.SBCLQD as clqd, {way.format("sb.TJFS")} as sqfs,
            sb.SBSJ as sqsj, sb.SBJTWD as wddm, left(sb.XZQHDM, 6) as qhdm, sb.SBBMZZJGDM as bmdm,
            '由统一平台转来' as bz, sb._seen as cjsj, sb._written as gxsj
        from all_sb sb
        where sb._source = {BUREAU} and sb._is_resend and sb._seen > {since} and sb._seen <= {until}"""


def bureau_steps(since: str, until: str) -> str:
    """SQL: the bureau's steps that became visible in (since, until]."""
    return f"""
        select _case_id * 10 + SPBZH as lch, SBLSH as ywh, ['CB', 'SH', 'PZ'][SPBZH] as hjdm, SPHJMC as hjmc,
            SPRXM as clr, SPRZWDM as zwdm, SPRZWMC as zwmc, SPYJ as clyj, SPSJ as clsj,
            case SPHJZTDM when '1' then '10' else '20' end as clzt, SPBZH as bzh, _written as gxsj
        from all_spcl where _source = {BUREAU} and _seen > {since} and _seen <= {until}"""


def load_bureau(connection: duckdb.DuckDBPyConnection, since: str, until: str, *, first: bool) -> int:
    """Write the bureau's changed cases in place, and its new steps; their number.

    Args:
        first: whether the tables hold none of these cases yet, so that nothing need be replaced.
    """
    connection.execute(f"create or replace temp table bureau_new as {bureau_rows(since, until)}")
    count = connection.execute("select count(*) from bureau_new").fetchone()
    if first:
        connection.execute("insert into housing_bureau.public.yw_sqb select * from bureau_new")
    else:
        _replace_in_place(connection, "yw_sqb", "ywh", "bureau_new")
    connection.execute(f"create or replace temp table bureau_new as {bureau_steps(since, until)}")
    steps = connection.execute("select count(*) from bureau_new").fetchone()
    if first:
        connection.execute("insert into housing_bureau.public.yw_lcb select * from bureau_new")
    else:
        _replace_in_place(connection, "yw_lcb", "lch", "bureau_new")
    return (int(count[0]) if count else 0) + (int(steps[0]) if steps else 0)


def _replace_in_place(connection: duckdb.DuckDBPyConnection, table: str, key: str, rows: str) -> None:
    """Write rows over those with the same key, in one statement: no reader meets a row gone and not yet back."""
    connection.execute("drop table if exists housing_bureau.public.incoming")
    connection.execute(f"create table housing_bureau.public.incoming as select * from {rows} limit 0")
    connection.execute(f"insert into housing_bureau.public.incoming select * from {rows}")
    columns = [row[0] for row in connection.execute(f"describe {rows}").fetchall()]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    replaced = f"on conflict ({key}) do update set {changes}"
    statement = f"insert into {table} select * from incoming {replaced}; drop table incoming"
    connection.execute(f"call postgres_execute('housing_bureau', '{statement}')")


def town_lines(since: str, until: str) -> str:
    """SQL: (region_code, dropped_at, the nineteen cells …), every line of the files dropped in (since, until]."""
    newest = "qualify row_number() over (partition by d.case_id, d.dropped_at order by r._version desc) = 1"

    def at_drop(name: str) -> str:
        return (
            f"{name}_then as (select d.case_id, d.dropped_at, r.* from drops d join all_{name} r"
            f" on r._case_id = d.case_id and r._seen <= d.dropped_at where r._source = {TOWN} {newest})"
        )

    tables = ("sb", "sl", "bj", "lqdj")
    events = " union ".join(
        f"select _case_id as case_id, _seen as dropped_at from all_{name}"
        f" where _source = {TOWN} and _seen > {since} and _seen <= {until}"
        for name in tables
    )
    joins = " ".join(
        f"left join {name}_then {alias} on {alias}.case_id = sb.case_id and {alias}.dropped_at = sb.dropped_at"
        for name, alias in (("sl", "sl"), ("bj", "bj"), ("lqdj", "lq"))
    )
    way = "case {} when '0' then '窗口' when '1' then '网上' when '8' then '邮寄' end"
    minute = "strftime({}, '%Y-%m-%d %H:%M')"
    unreadable = fault_kinds.NUMBER["unreadable_closing_date"]
    return f"""
        with drops as ({events}), {", ".join(at_drop(name) for name in tables)}
        select v.region_code, sb.dropped_at, sb.SBLSH, sb.SXBM, sb.SXMC, sb.SQRMC, sb.SQRZJHM, sb.LXRSJ,
            strftime(sb.SBSJ, '%Y-%m-%d') as day, strftime(sb.SBSJ, '%H:%M') as time, {way.format("sb.TJFS")} as way,
            {minute.format("sl.SLSJ")} as accepted, sl.BLRXM,
            case sl.SLZTDM when '1' then '受理' when '2' then '不予受理' end as status,
            case when bj._defect = {unreadable} then strftime(c.at_bj, '%m月%d日办') else {minute.format("bj.BJSJ")} end
                as closed,
            case bj.BJJGDM when '6' then '办结' when '1' then '退回' end as result, bj.ZFHTHYY,
            case when bj.case_id is not null then sl.BLRXM end as handler, {way.format("lq.LQFS")} as collection,
            {minute.format("lq.LQSJ")} as collected, sl.BSLYY as remark
        from sb_then sb join plan c on c.case_id = sb.case_id join versions v on v.vid = c.vid {joins}
        order by v.region_code, sb.dropped_at, sb.SBSJ, sb.SBLSH"""
