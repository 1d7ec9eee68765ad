"""The civil affairs bureau's own system on MariaDB: other names, other codes, one wide row a case, rewritten in place.

The table of cases is of an old installation (GBK), the others of a newer one (utf8mb4). A date of zeros stands where
the clerk left the time of closing open.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from simulator import mariadb
from simulator.carriers import CIVIL, NAMES
from simulator.systems import handed_down
from wangting import site_folders
from wangting.engine import literal

if TYPE_CHECKING:
    from simulator.city import City

DATABASE = "civil_affairs"
_WAY = "case {} when '0' then 'CK' when '1' then 'WW' when '8' then 'YJ' else {} end"
_ID_KIND = "case {0} when '111' then 'SFZ' when '50' then 'ZZJGDM' when '001' then 'TYXYDM' end"
# MariaDB's tables: name → (character set, key, columns and the rest of CREATE TABLE).
TABLES = {
    "mz_banjian": (
        "gbk",
        "bjbh",
        "bjbh varchar(40) primary key, sxdm varchar(40), sxmc varchar(500), sqr varchar(400), sqrxz varchar(20),"
        " zjzl varchar(10), zjhm varchar(40), lianxiren varchar(200), shouji varchar(40), xmmc varchar(1000),"
        " clmx varchar(1000), sqqd varchar(4), sqsj datetime, wangdian varchar(200), xzqh varchar(12),"
        " zzjgdm varchar(9), yhbh varchar(40), ysr varchar(60), ysgh varchar(20), yssj datetime, ysjg varchar(2),"
        " ysyy varchar(500), ysbz varchar(500), slr varchar(60), slsj datetime, slzt varchar(2), slhz varchar(60),"
        " cnts int, cndw varchar(10), slcl varchar(1000), bslyy varchar(500), jbr varchar(60), bjsj datetime,"
        " bjjg varchar(10), bjsm varchar(200), tjyy varchar(500), zzmc varchar(300), zzbh varchar(100),"
        " zzyxq varchar(30), fzjg varchar(200), fy decimal(16,2), lqr varchar(200), lqzj varchar(40),"
        " lqfs varchar(4), lqsj datetime, bz varchar(2000), lrsj datetime, xgsj datetime, key (xgsj)",
    ),
    "mz_liucheng": (
        "utf8mb4",
        "lcid",
        "lcid bigint primary key, bjbh varchar(40), sxdm varchar(40), xzqh varchar(12), zzjgdm varchar(9),"
        " hj varchar(10), clr varchar(60), zwdm varchar(5), zw varchar(50), yj varchar(500), clsj datetime,"
        " jl varchar(4), xh int, xgsj datetime, key (xgsj)",
    ),
    "mz_buzheng": (
        "utf8mb4",
        "bzid",
        "bzid bigint primary key, bjbh varchar(40), sxdm varchar(40), xzqh varchar(12), cs int, gzr varchar(60),"
        " gzyy varchar(500), gzcl varchar(500), gzsj datetime, qx varchar(50), bqsj datetime, bqr varchar(60),"
        " bqcl varchar(500), bqdd varchar(200), xgsj datetime, key (xgsj)",
    ),
}


def _cases(since: str, until: str) -> str:
    """SQL: the wide rows, as at `until`, of the cases that changed in (since, until]."""
    joins = " ".join(
        f"left join (select * from latest_{table} where _source = {CIVIL}) {alias} on {alias}._case_id = sb._case_id"
        for table, alias in (("wsysl", "y"), ("sl", "sl"), ("bj", "bj"), ("lqdj", "lq"))
    )
    moved = "greatest(sb._written, y._written, sl._written, bj._written, lq._written)"
    seen = "greatest(sb._seen, y._seen, sl._seen, bj._seen, lq._seen)"
    results = "['出证', '退件', '作废', '删除', '转报', '逾期', '办结', '不许可'][1 + bj.BJJGDM::integer]"
    return f"""
        select sb.SBLSH as bjbh, sb.SXBM as sxdm, sb.SXMC as sxmc, sb.SQRMC as sqr,
            case sb.SQRLX when '1' then '自然人' when '2' then '法人' else '其他组织' end as sqrxz,
            {_ID_KIND.format("sb.SQRZJLX")} as zjzl, sb.SQRZJHM as zjhm, sb.LXRXM as lianxiren, sb.LXRSJ as shouji,
            sb.SBXMMC as xmmc, sb.SBCLQD as clmx, {_WAY.format("sb.TJFS", "sb.TJFS")} as sqqd, sb.SBSJ as sqsj,
            sb.SBJTWD as wangdian, left(sb.XZQHDM, 6) as xzqh, sb.SBBMZZJGDM as zzjgdm, sb.USERIDCODE as yhbh,
            y.BLRXM as ysr, y.BLRGH as ysgh, y.YSLSJ as yssj,
            case y.YSLZTDM when '1' then 'T' when '2' then 'B' when '3' then 'Z' end as ysjg, y.BSLYY as ysyy,
            y.BJBZSM as ysbz, sl.BLRXM as slr, sl.SLSJ as slsj,
            case sl.SLZTDM when '1' then 'Y' when '2' then 'N' end as slzt, sl.SLHZH as slhz, sl.GDBLSX as cnts,
            case sl.GDBLSXDW when 'G' then '工作日' when 'Z' then '自然日' end as cndw, sl.SLZLQD as slcl,
            sl.BSLYY as bslyy, case when bj._case_id is not null then sl.BLRXM end as jbr, bj.BJSJ as bjsj,
            {results} as bjjg, bj.BJJGMS as bjsm, bj.ZFHTHYY as tjyy, bj.ZJGZMC as zzmc, bj.ZJBH as zzbh,
            bj.ZJYXQX as zzyxq, bj.FZGZDW as fzjg, bj.SFJE as fy, lq.LQRXM as lqr, lq.LQRSFZJHM as lqzj,
            {_WAY.format("lq.LQFS", "lq.LQFS")} as lqfs, lq.LQSJ as lqsj, sb.BZ as bz, c.seen_sb as lrsj,
            {moved} as xgsj
        from latest_sb sb join plan c on c.case_id = sb._case_id {joins}
        where sb._source = {CIVIL} and {seen} > {since} and {seen} <= {until}"""


def _steps(since: str, until: str) -> str:
    """SQL: the steps that became visible in (since, until]."""
    return f"""
        select _case_id * 10 + SPBZH as lcid, SBLSH as bjbh, SXBM as sxdm, left(XZQHDM, 6) as xzqh,
            SPBMZZJDMD as zzjgdm, ['经办', '复核', '签发'][SPBZH] as hj, SPRXM as clr, SPRZWDM as zwdm,
            SPRZWMC as zw, SPYJ as yj, SPSJ as clsj, case SPHJZTDM when '1' then '通过' else '否' end as jl,
            SPBZH as xh, _written as xgsj
        from latest_spcl where _source = {CIVIL} and _seen > {since} and _seen <= {until}"""


def _supplements(since: str, until: str) -> str:
    """SQL: the notices, with what was handed in upon them, of the cases where either became visible."""
    moved = "greatest(g.{0}, s.{0})"
    return f"""
        select g._case_id * 10 + g.XH as bzid, g.SBLSH as bjbh, g.SXBM as sxdm, left(g.XZQHDM, 6) as xzqh,
            g.XH as cs, g.BJGZFCRXM as gzr, g.BJGZYY as gzyy, g.BJCLQD as gzcl, g.BJGZSJ as gzsj, g.BZSX as qx,
            s.BJSJ as bqsj, s.BJSLBLRXM as bqr, s.BJCLQD as bqcl, s.BJSLJTDD as bqdd,
            {moved.format("_written")} as xgsj
        from latest_bjgz g
        left join (select * from latest_bjsl where _source = {CIVIL}) s on s._case_id = g._case_id and s.XH = g.XH
        where g._source = {CIVIL} and {moved.format("_seen")} > {since} and {moved.format("_seen")} <= {until}"""


_ROWS = {"mz_banjian": _cases, "mz_liucheng": _steps, "mz_buzheng": _supplements}


def _write(connection: duckdb.DuckDBPyConnection, server: mariadb.Server, table: str) -> None:
    """Put the rows of `civil_new` over those with the same key, in one transaction: no reader meets half a change.

    The server reads them from a file, which is many times faster than taking them one by one.
    """
    columns = {row[0]: row[1] for row in connection.execute("describe civil_new").fetchall()}
    texts = {
        name: f"strftime({name}, '%Y-%m-%d %H:%M:%S')" if kind == "TIMESTAMP" else f"{name}::varchar"
        for name, kind in columns.items()
    }
    if "bjsj" in texts:
        texts["bjsj"] = (
            f"coalesce({texts['bjsj']}, case when bjjg is not null then '0000-00-00 00:00:00' end)"
        )
    file = server.data / "incoming.csv"
    chosen = ", ".join(f"{value} as {name}" for name, value in texts.items())
    connection.execute(
        f"copy (select {chosen} from civil_new) to {literal(file)}"
        " (format csv, header false, delimiter ',', quote '\"', escape '\"', force_quote *, nullstr 'NULL')"
    )
    # A NULL without quotes is none; a text is always between quotes.
    statement = (
        f"load data infile {literal(file)} replace into table {table} character set utf8mb4"
        f" fields terminated by ',' enclosed by '\"' escaped by '' lines terminated by '\\n' ({', '.join(columns)})"
    )
    connection.execute(f"call mysql_execute('{DATABASE}', {literal(statement)})")
    file.unlink()


class CivilAffairs:
    """The bureau's server and its three tables; where the machine has no MariaDB its cases exist nowhere."""

    name = NAMES[CIVIL]

    def create(self, city: "City") -> None:
        """Make the server and its empty tables."""
        server = _server(city.home)
        server.stop()
        if not _is_here(city):
            return
        server.create(DATABASE)
        server.execute(
            DATABASE,
            *(
                f"create table {name} ({columns}) character set {charset}"
                for name, (charset, _, columns) in TABLES.items()
            ),
        )

    def advance(self, city: "City", since: datetime, until: datetime) -> None:
        """Write what changed over what stood there; the same again changes nothing.

        The truth holds every row as it stood after each step, `file_at`: a reader sees no state in between.
        """
        if not _is_here(city):
            return
        low, high = f"timestamp '{since}'", f"timestamp '{until}'"
        server, con = _server(city.home), city.connection
        server.start()
        with server.attached(con, DATABASE):
            for name, rows in _ROWS.items():
                con.execute(f"create or replace temp table civil_new as {rows(low, high)}")
                _write(con, server, name)
                handed_down.gather(city, name, f"select *, {high} as file_at from civil_new")
        if city.is_whole:
            for name in _ROWS:
                handed_down.remember(city, self.name, name, since)

    def start(self, home: Path) -> dict[str, str]:
        """Start the server, where this machine can; the address of its database."""
        server = _server(home)
        if not server.data.exists() or not mariadb.is_available():
            return {}
        server.start()
        return {"CIVIL_AFFAIRS_URL": server.url(DATABASE)}

    def stop(self, home: Path) -> bool:
        """End the server."""
        return _server(home).stop()


def _is_here(city: "City") -> bool:
    """Whether the site has this bureau's system, and the machine a server for it."""
    return NAMES[CIVIL] in site_folders.of(city.site).sources and NAMES[CIVIL] not in city.absent


def _server(home: Path) -> mariadb.Server:
    return mariadb.Server(home / "simulator" / "mariadb")
