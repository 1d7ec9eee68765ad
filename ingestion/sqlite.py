"""SQLite: a file in which every value has its own type, so all are read as text and checked against the promise."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import duckdb

from ingestion.columns import quoted
from ingestion.connecting import UnreachableError, place
from ingestion.databases import NAME, Database, Refusals
from wangting import engine
from wangting.engine import literal

_MAGIC = b"SQLite format 3\0"


class SQLite(Database):
    """One file: its path, or `sqlite:///path`."""

    extension: ClassVar[engine.Extension] = "sqlite_scanner"
    kind = "sqlite"
    away = r"Unable to open|unable to open|disk I/O error"
    denied = "not authorized"
    refusals: ClassVar[Refusals] = [
        (r"is locked|is busy", "数据库文件正被占用", "稍后再试"),
        (r"Invalid unicode|Failure in decode", "数据库中有文字不是 UTF-8 编码", "请来源按 UTF-8 重新写入"),
        (r"malformed|not a database", "数据库文件已损坏", "请来源修复后重新放入"),
    ]

    def schema(self, address: str) -> str:
        """A file has one."""
        return ""

    def attach(self, connection: duckdb.DuckDBPyConnection, address: str) -> None:
        """Attach, all values as text.

        Raises:
            UnreachableError: no such file, or none of SQLite's.
        """
        file = Path(address.removeprefix("sqlite:///") if address.startswith("sqlite:////") else address)
        try:
            with file.open("rb") as content:
                start = content.read(len(_MAGIC))
        except OSError:
            raise UnreachableError(
                "数据库文件不存在或无法读取", place=place(self.source, file=file), mend="检查路径和读取权限"
            ) from None
        if start not in (b"", _MAGIC):
            raise UnreachableError(
                "不是 SQLite 数据库文件", place=place(self.source, file=file), mend="检查路径"
            )
        connection.execute("SET sqlite_all_varchar = true")
        connection.execute(f"ATTACH {literal(file)} AS {NAME} (TYPE {self.kind}, READ_ONLY)")

    def columns(self, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str]:
        """The table's columns, all text."""
        return dict.fromkeys(self._chosen(connection, table), "VARCHAR")

    def whole(self, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
        """All rows."""
        return self._query(connection, table, "")

    def window(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: str,
        table: str,
        cursor: str,
        low: datetime,
        high: datetime,
    ) -> str:
        """The days around the window: times are texts here, with a space or a T inside and perhaps an offset behind.

        Numbers sort before all texts; they come along to be refused by name instead of being passed over.
        """
        name, day = quoted(cursor), timedelta(days=1)
        first, after = literal((low - day).date()), literal((high + 2 * day).date())
        return self._query(
            connection, table, f" WHERE ({name} >= {first} AND {name} < {after}) OR {name} < ''"
        )

    def _query(self, connection: duckdb.DuckDBPyConnection, table: str, condition: str) -> str:
        columns = self._chosen(connection, table)
        chosen = ", ".join(f"{value} AS {quoted(name)}" for name, value in columns.items())
        # The scanner hands texts on as they are; bytes that are no UTF-8 must not get into a landed file.
        checked = ", ".join(f"decode(encode({quoted(name)})) AS {quoted(name)}" for name in columns)
        asked = literal(f"SELECT {chosen} FROM {quoted(table)}{condition}")
        return f"(SELECT {checked} FROM sqlite_query('{NAME}', {asked}))"

    def _chosen(self, connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
        """Column → how it is asked for: bytes as hexadecimal digits, because not all bytes are text."""
        described = connection.execute(
            f"FROM sqlite_query('{NAME}', {literal(f'SELECT name, type FROM pragma_table_info({literal(table)})')})"
        ).fetchall()
        return {
            str(name): f"hex({quoted(str(name))})" if "BLOB" in str(kind).upper() else quoted(str(name))
            for name, kind in described
        }
