"""Databases through DuckDB's scanners: the server streams rows, DuckDB writes them; each kind says what is its own.

A first or full load reads the whole table as the scanner does it best; a later one asks for the window in the source's
own SQL, so that the source finds it by its index.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import duckdb

from ingestion.columns import quoted
from ingestion.connecting import Extract, UnreachableError, connector, place
from ingestion.windows import Load
from wangting import engine, settings
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.source_spec import Source

NAME = "source"  # under which the database is attached
CONNECT_SECONDS = 10

# What the database says → (what it means, how to mend it).
Refusals = list[tuple[str, str, str]]


class Database(ABC):
    """One database.

    Attributes:
        extension: DuckDB's for this kind. kind: its name in ATTACH.
        refusals: nobody is let in: the source's other tables need not be tried.
        away: what the scanner says when nobody answers.
        denied: what it says of a table that may not be read.
    """

    extension: ClassVar[engine.Extension]
    kind: ClassVar[str]
    refusals: ClassVar[Refusals] = []
    away: ClassVar[str]
    denied: ClassVar[str]

    def __init__(self, source: Source) -> None:
        self.source = source

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The whole table (first or full load), or the rows of the window through the cursor's index."""
        where = place(self.source, load.name)
        address = settings.resolve(self.source.url, place=place(self.source))
        schema, _, table = (load.table.relation or load.name).rpartition(".")
        schema = schema or self.schema(address)
        engine.load_extension(connection, self.extension)
        try:
            if not _is_attached(connection):  # by the table before, in the same session with this source
                self.attach(connection, address)
        except duckdb.Error as error:
            raise self._refused(error, address, place(self.source)) from None
        try:
            present = self.columns(connection, schema, table)
        except duckdb.CatalogException:
            present = {}
        except duckdb.Error as error:
            raise self._refused(error, address, where) from None
        if not present:
            raise WangtingError(
                f"来源没有表 {f'{schema}.' if schema else ''}{table}",
                place=where,
                mend="请来源恢复该表（或授予读取权限），或改正 source.yml 中的表名",
            )
        if load.low is None or load.table.cursor is None:
            return Extract(self.whole(connection, schema, table), present)
        if load.table.cursor not in present:
            return Extract(
                self.whole(connection, schema, table), present
            )  # landing names it among the missing
        low, high = self._local(load, load.low), self._local(load, load.asked_until)
        return Extract(self.window(connection, schema, table, load.table.cursor, low, high), present)

    def close(self) -> None:  # noqa: B027 - a kind that keeps something may say so
        """The pull detaches what it is done with."""

    def explained(self, error: duckdb.Error, table: str) -> WangtingError:
        """An error in the middle of reading, without the address in it."""
        address = settings.resolve(self.source.url, place=place(self.source))
        return self._refused(error, address, place(self.source, table))

    @abstractmethod
    def schema(self, address: str) -> str:
        """The schema of tables whose declaration names none."""

    @abstractmethod
    def attach(self, connection: duckdb.DuckDBPyConnection, address: str) -> None:
        """Attach the database as `NAME`, for reading only."""

    @abstractmethod
    def whole(self, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
        """SQL of all rows."""

    @abstractmethod
    def window(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: str,
        table: str,
        cursor: str,
        low: datetime,
        high: datetime,
    ) -> str:
        """SQL of the rows whose cursor lies in the window, both ends included, as the source's clocks show it.

        It may hold rows around the window: landing looks once more.
        """

    def columns(self, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str]:
        """The table's columns and their DuckDB types; none where there is no such table."""
        described = connection.execute(f"DESCRIBE SELECT * FROM {attached(schema, table)}").fetchall()
        return {str(row[0]): str(row[1]) for row in described}

    def _local(self, load: Load, moment: datetime) -> datetime:
        """A moment of the site as the source's clocks show it."""
        there = moment.replace(tzinfo=ZoneInfo(load.zone)).astimezone(ZoneInfo(self.source.zone))
        return there.replace(tzinfo=None)

    def _refused(self, error: duckdb.Error, address: str, where: str) -> WangtingError:
        text = str(error)
        for pattern, meaning, mend in self.refusals:
            if re.search(pattern, text):
                return UnreachableError(meaning, place=where, mend=mend)
        if re.search(self.denied, text):
            return WangtingError("没有读取权限", place=where, mend="请来源授予 SELECT 权限")
        short = scrubbed(text, address)
        if re.search(self.away, text):
            return UnreachableError(
                f"连不上来源（{short}）", place=where, mend="检查来源是否在运行、地址和网络是否可达"
            )
        return WangtingError(f"读取失败（{short}）", place=where, mend="检查来源后再运行")


def _is_attached(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(f"SELECT 1 FROM duckdb_databases() WHERE database_name = '{NAME}'").fetchone()
    return found is not None


def attached(schema: str, table: str) -> str:
    """A table of the attached database, in DuckDB's SQL."""
    return ".".join(quoted(part) for part in (NAME, schema, table) if part)


def explain(error: duckdb.Error, source: Source, table: str) -> WangtingError:
    """What a database's error in the middle of reading means, in one sentence without secrets."""
    asked = connector(source)
    assert isinstance(asked, Database)  # asked for databases only
    return asked.explained(error, table)


def moment(value: datetime) -> str:
    """A time without zone, as a literal that every SQL understands."""
    return literal(value.isoformat(sep=" "))


def set_all(connection: duckdb.DuckDBPyConnection, wanted: Mapping[str, str]) -> None:
    """Set a scanner's settings."""
    for name, value in wanted.items():
        connection.execute(f"SET {name} = {value}")


def scrubbed(text: str, address: str) -> str:
    """The first line of DuckDB's words without the address, which holds the password."""
    text = re.sub(r'Postgres at ".*?": ', "", text, flags=re.DOTALL)
    text = re.sub(r'with parameters ".*?": ', "", text, flags=re.DOTALL).replace(address, "…")
    secrets = re.findall(r"(?:password|passwd)\s*=\s*'?([^'\s]+)", address)
    if "://" in address and (password := urlsplit(address).password):
        secrets += [password, unquote(password)]
    for secret in secrets:
        text = text.replace(secret, "…")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else ""
