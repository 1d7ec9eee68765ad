"""MySQL and MariaDB: numbers stay numbers, and a DATETIME, which has no zone, is read as the source's clocks show it.

A zero date (0000-00-00) is how these servers write "none", and lands as NULL. A date with a zero month or day, or one
that no calendar has, stops the table: nobody can say which day was meant.
"""

import re
import socket
from datetime import datetime
from typing import ClassVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import duckdb

from ingestion.columns import quoted
from ingestion.connecting import UnreachableError, place
from ingestion.databases import CONNECT_SECONDS, NAME, Database, Refusals, attached, moment, set_all
from wangting import clock, engine
from wangting.engine import literal
from wangting.errors import WangtingError

_PORT = 3306
_LOCAL = re.compile(r"[?&]socket=")


class MySQL(Database):
    """One database: `mysql://user:password@host:port/database`, special characters as %XX."""

    extension: ClassVar[engine.Extension] = "mysql_scanner"
    kind = "mysql"
    away = r"Can't connect|Unknown server host|Lost connection|server has gone away|timed? ?out"
    denied = r"(SELECT|SHOW VIEW) command denied"
    refusals: ClassVar[Refusals] = [
        (r"Access denied for user .* to database", "数据库不存在，或该用户不能使用它", "检查数据库名和授权"),
        (r"Access denied for user", "用户名或密码被拒绝", "检查连接地址中的用户名和密码"),
        (r"Unknown database", "数据库不存在", "检查连接地址中的数据库名"),
        (r"[Tt]oo many connections|max_user_connections", "来源的连接数已满", "稍后再试，或请来源放宽连接数"),
        (r"is not allowed to connect|is blocked because", "来源不许本机连接", "请来源放行本机的地址"),
        (r"Unknown or incorrect time zone", "来源的数据库没有时区表", "请来源运行 mysql_tzinfo_to_sql"),
        (r"Invalid URI string", "连接地址写法不对", "写作 mysql://用户:密码@主机:端口/库，特殊字符写作 %XX"),
    ]
    _is_reached = False

    def schema(self, address: str) -> str:
        """The database that the address names."""
        return unquote(urlsplit(address).path.strip("/")) if "://" in address else ""

    def attach(self, connection: duckdb.DuckDBPyConnection, address: str) -> None:
        """Attach, with types that lose nothing and without a limit to how long a large table may take."""
        if not self._is_reached and "://" in address and not _LOCAL.search(address):
            self._reach(address)
        set_all(
            connection,
            {
                "mysql_tinyint1_as_boolean": "false",  # a TINYINT(1) may hold 7
                "mysql_query_timeout_enabled": "false",
                "mysql_session_time_zone": literal(_offset(self.source.zone)),  # of TIMESTAMP columns
            },
        )
        connection.execute(f"ATTACH {literal(address)} AS {NAME} (TYPE {self.kind}, READ_ONLY)")

    def whole(self, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
        """One stream: the server has no pages to share out."""
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
        """By a filter that the scanner hands on to the server; a query of its own would turn texts with a binary
        collation into bytes."""
        kind = self.columns(connection, schema, table)[cursor]
        bounds = [f"DATE {literal(value.date())}" for value in (low, high)]
        if kind != "DATE":  # the server compares naive with naive
            bounds = [f"TIMESTAMP {moment(value)}" for value in (low, high)]
        name = quoted(cursor)
        return (
            f"(SELECT * FROM {attached(schema, table)} WHERE {name} >= {bounds[0]} AND {name} <= {bounds[1]})"
        )

    def explained(self, error: duckdb.Error, table: str) -> WangtingError:
        """Also of a date that is none."""
        if found := re.search(r"Date out of range: (\d+-\d+-\d+)", str(error)):
            return WangtingError(
                f"来源有不存在的日期（如 {found[1]}）",
                place=place(self.source, table),
                mend="请来源更正（月、日为 0 的，或历法中没有的日期）",
            )
        return super().explained(error, table)

    def _reach(self, address: str) -> None:
        """Knock first: the scanner itself would wait for minutes where a firewall swallows everything."""
        try:
            parts = urlsplit(address)
            with socket.create_connection((parts.hostname or "", parts.port or _PORT), CONNECT_SECONDS):
                self._is_reached = True
        except (OSError, ValueError) as error:
            raise UnreachableError(
                f"连不上来源（{type(error).__name__}）",
                place=place(self.source),
                mend="检查来源是否在运行、地址和网络是否可达",
            ) from None


def _offset(zone: str) -> str:
    """A zone as the server takes it: its offset where that is the same all year, for few servers know names."""
    year = clock.today().year
    offsets = {datetime(year, month, 1, tzinfo=ZoneInfo(zone)).strftime("%z") for month in range(1, 13)}
    if len(offsets) > 1:
        return zone
    [offset] = offsets
    return f"{offset[:3]}:{offset[3:5]}"
