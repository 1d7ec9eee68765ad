"""PostgreSQL: whole tables by pages in parallel, windows through the cursor's index."""

from datetime import datetime
from typing import ClassVar
from urllib.parse import quote

import duckdb

from ingestion.columns import quoted
from ingestion.databases import CONNECT_SECONDS, NAME, Database, Refusals, attached, moment
from wangting import engine
from wangting.engine import literal


class Postgres(Database):
    """One PostgreSQL database: a URL, or `name=value` pairs."""

    extension: ClassVar[engine.Extension] = "postgres_scanner"
    kind = "postgres"
    away = "Unable to connect"
    denied = "permission denied"
    refusals: ClassVar[Refusals] = [
        (
            r"password authentication failed|no password supplied|no pg_hba.conf entry",
            "用户名或密码被拒绝",
            "检查连接地址中的用户名和密码",
        ),
        (r'role "[^"]*" does not exist', "用户名不存在", "检查连接地址中的用户名"),
        (r'database "[^"]*" does not exist', "数据库不存在", "检查连接地址中的数据库名"),
        (r"too many (clients|connections)", "来源的连接数已满", "稍后再试，或请来源放宽连接数"),
    ]

    def schema(self, address: str) -> str:
        """`public`, as the server does."""
        return "public"

    def attach(self, connection: duckdb.DuckDBPyConnection, address: str) -> None:
        """Attach, with the source's zone for times that have one."""
        wanted = literal(_with_session(address, self.source.zone))
        connection.execute(f"ATTACH {wanted} AS {NAME} (TYPE {self.kind}, READ_ONLY)")

    def whole(self, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
        """Pages of the table, several at once: made for reading all of it."""
        connection.execute("SET pg_use_ctid_scan = true")
        return attached(schema, table)

    def window(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: str,
        table: str,
        cursor: str,
        low: datetime,
        high: datetime,
    ) -> str:
        """By the server's index; a scan by pages would read the whole table for a handful of rows."""
        connection.execute("SET pg_use_ctid_scan = false")
        query = (
            f"SELECT * FROM {quoted(schema)}.{quoted(table)} "
            f"WHERE {quoted(cursor)} >= {moment(low)} AND {quoted(cursor)} <= {moment(high)}"
        )
        return f"postgres_query('{NAME}', {literal(query)})"


def _with_session(address: str, zone: str) -> str:
    """The address with a time-out and the source's zone, in which the server then reads times without one."""
    wanted = {
        "connect_timeout": str(CONNECT_SECONDS),
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
