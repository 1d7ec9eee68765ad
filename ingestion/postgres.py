"""PostgreSQL, through DuckDB's scanner: the server streams binary rows, DuckDB writes them."""

import re
from datetime import datetime
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import duckdb

from ingestion.connecting import Extract, UnreachableError, place
from ingestion.windows import Load
from wangting import engine, settings
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.site import current_site
from wangting.source_spec import Source

_CONNECT_SECONDS = 10
_NAME = "source"  # under which the database is attached

# What the server says → (what it means, how to mend it).
_REFUSALS = [
    (
        r"password authentication failed|no password supplied|no pg_hba.conf entry",
        "用户名或密码被拒绝",
        "检查连接地址中的用户名和密码",
    ),
    (r'role "[^"]*" does not exist', "用户名不存在", "检查连接地址中的用户名"),
    (r'database "[^"]*" does not exist', "数据库不存在", "检查连接地址中的数据库名"),
    (r"too many (clients|connections)", "来源的连接数已满", "稍后再试，或请来源放宽连接数"),
]


class Postgres:
    """One PostgreSQL database."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The whole table in parallel (first or full load), or the rows of the window through the cursor's index."""
        where = place(self._source, load.name)
        address = settings.resolve(self._source.url, place=place(self._source))
        engine.load_extension(connection, "postgres_scanner")
        try:
            connection.execute(
                f"ATTACH {literal(_with_session(address, self._source.zone))} AS {_NAME} (TYPE postgres, READ_ONLY)"
            )
        except duckdb.Error as error:
            raise _refused(error, address, place(self._source)) from None
        schema, _, relation = (load.table.relation or f"public.{load.name}").rpartition(".")
        attached = ".".join(f'"{part}"' for part in (_NAME, schema or "public", relation))
        try:
            described = connection.execute(f"DESCRIBE SELECT * FROM {attached}").fetchall()
        except duckdb.CatalogException:
            raise WangtingError(
                f"来源没有表 {schema or 'public'}.{relation}",
                place=where,
                mend="请来源恢复该表，或改正 source.yml 中的表名",
            ) from None
        except duckdb.Error as error:
            raise _refused(error, address, where) from None
        present = {str(row[0]): str(row[1]) for row in described}
        if load.low is None or load.table.cursor is None:
            # Pages of the table, several at once: made for reading all of it.
            connection.execute("SET pg_use_ctid_scan = true")
            return Extract(attached, present)
        if load.table.cursor not in present:
            return Extract(attached, present)  # landing names it among the missing
        # The server filters by its index; a scan by pages would read the whole table for a handful of rows.
        cursor = f'"{load.table.cursor}"'
        query = (
            f'SELECT * FROM "{schema or "public"}"."{relation}" '
            f"WHERE {cursor} >= {literal(self._local(load.low))} AND {cursor} <= {literal(self._local(load.high))}"
        )
        connection.execute("SET pg_use_ctid_scan = false")
        return Extract(f"postgres_query('{_NAME}', {literal(query)})", present)

    def close(self) -> None:
        """Nothing is kept: the database is detached with the connection."""

    def _local(self, moment: datetime) -> str:
        """A moment of the site as the source's clocks show it."""
        there = moment.replace(tzinfo=ZoneInfo(current_site().zone)).astimezone(ZoneInfo(self._source.zone))
        return there.replace(tzinfo=None).isoformat(sep=" ")


def explain(error: duckdb.Error, source: Source, table: str) -> WangtingError:
    """An error in the middle of reading, without the address in it."""
    return _refused(error, settings.resolve(source.url, place=place(source)), place(source, table))


def _with_session(address: str, zone: str) -> str:
    """The address with a time-out and the source's zone, in which the server then reads times without one."""
    wanted = {
        "connect_timeout": str(_CONNECT_SECONDS),
        "application_name": "wangting",
        "options": f"-c TimeZone={zone}",
    }
    if "://" in address:
        missing = "&".join(
            f"{name}={quote(value)}" for name, value in wanted.items() if f"{name}=" not in address
        )
        return f"{address}{'&' if '?' in address else '?'}{missing}"
    return " ".join(
        [address, *(f"{name}='{value}'" for name, value in wanted.items() if f"{name}=" not in address)]
    )


def _scrubbed(text: str, address: str) -> str:
    """DuckDB's words without the address, which holds the password."""
    text = re.sub(r'Postgres at ".*?": ', "", text, flags=re.DOTALL).replace(address, "…")
    secrets = (
        [urlsplit(address).password]
        if "://" in address
        else re.findall(r"password\s*=\s*'?([^'\s]+)", address)
    )
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else ""


def _refused(error: duckdb.Error, address: str, where: str) -> WangtingError:
    text = str(error)
    for pattern, meaning, mend in _REFUSALS:
        if re.search(pattern, text):
            return UnreachableError(meaning, place=where, mend=mend)
    if "permission denied" in text:
        return WangtingError("没有读取权限", place=where, mend="请来源授予 SELECT 权限")
    short = _scrubbed(text, address)
    if "Unable to connect" in text:
        return UnreachableError(
            f"连不上来源（{short}）", place=where, mend="检查来源是否在运行、地址和网络是否可达"
        )
    return WangtingError(f"读取失败（{short}）", place=where, mend="检查来源后再运行")
