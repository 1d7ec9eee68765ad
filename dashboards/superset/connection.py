"""The wall: a connection that has nobody's rows but its user's.

Each connection is a database of its own, in memory. The current release is attached under a name that is drawn for
this connection, and the catalog that a user's statements see has views over it, one a table that the user has any
right to, each with the condition of that user's roles. A statement is held against DuckDB's own parser before it
runs: it can name that catalog's views and nothing else. So it does not matter which of Superset's doors it came
through.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import Any

import duckdb
from duckdb_engine import ConnectionWrapper, CursorWrapper

from dashboards.superset import place, rows
from dashboards.superset.statements import RefusedError, reads_only_catalogue, tables_read

# duckdb-engine asks the process's default connection for its keywords, before the server forks. Threads do not
# survive a fork.
duckdb.set_default_connection(
    duckdb.connect(":memory:", config={"threads": "1", "enable_external_access": "false"})
)

CATALOG = "marts"
SCHEMA = "main"


def open_release(conditions: Callable[[str], str | None] | None) -> duckdb.DuckDBPyConnection:
    """The current release, read-only, without files, extensions or Python objects.

    `conditions` gives the condition of a table (None: no such table); without it the whole release stands in the
    catalog (the administrator). Raises duckdb.Error where there is no release.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": os.environ.get("WANGTING_SUPERSET_QUERY_THREADS") or "2",
        "memory_limit": os.environ.get("WANGTING_SUPERSET_QUERY_MEMORY") or "1GB",
        "temp_directory": "",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(":memory:", config=config)
    path = str(place.real_marts()).replace("'", "''")
    if conditions is None:
        connection.execute(f"ATTACH '{path}' AS {CATALOG} (READ_ONLY); USE {CATALOG}")
    else:
        connection.execute(f"ATTACH ':memory:' AS {CATALOG}; USE {CATALOG}")
        release = f"release_{secrets.token_hex(8)}"
        connection.execute(f"ATTACH '{path}' AS {release} (READ_ONLY)")
        connection = _Walled(connection, release, conditions)  # type: ignore[assignment]
    connection.execute(
        "SET enable_external_access = false; SET python_enable_replacements = false; SET lock_configuration = true"
    )
    return connection


class _Walled:
    """A connection with the views made so far."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, release: str, conditions: Callable[[str], str | None]
    ) -> None:
        self._connection = connection
        self._release = release
        self._conditions = conditions
        self._made: set[str] = set()

    def show(self, table: str) -> None:
        """Make the view of a table, where there is a right to it."""
        if table.lower() in self._made:  # names differ by more than capitals, or are the same table
            return
        condition = self._conditions(table)
        if condition is not None:
            self._made.add(table.lower())
            self._connection.execute(
                f'CREATE VIEW IF NOT EXISTS {CATALOG}.{SCHEMA}."{table}" AS '
                f'SELECT * FROM {self._release}.{SCHEMA}."{table}" WHERE {condition}'
            )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class WalledCursor(CursorWrapper):
    """A cursor that runs only statements that can be shown to read the user's own views."""

    def __init__(self, connection: _Walled, wrapper: ConnectionWrapper, tables: list[str]) -> None:
        super().__init__(connection, wrapper)
        self._walled = connection
        self._tables = tables

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        """Run one SELECT; raises duckdb.PermissionException for anything else, its text for people."""
        try:
            names = tables_read(statement, catalog=CATALOG, schema=SCHEMA)
        except RefusedError as refused:
            # SQLAlchemy's own questions come with (empty) parameters; a person's statement never does.
            if parameters is None or not reads_only_catalogue(statement):
                raise duckdb.PermissionException(str(refused)) from None
            names = set(self._tables)
        for name in sorted(names.intersection(self._tables)):
            self._walled.show(name)
        super().execute(statement, parameters, context)

    def executemany(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        """Refused: nothing here writes."""
        raise duckdb.PermissionException("只能运行 SELECT 查询")


class WalledConnection(ConnectionWrapper):
    """What SQLAlchemy gets for somebody who is not the administrator."""

    def __init__(self, connection: _Walled, tables: list[str]) -> None:
        super().__init__(connection)
        self._walled = connection
        self._tables = tables

    def cursor(self) -> WalledCursor:
        """A cursor behind the wall."""
        return WalledCursor(self._walled, self, self._tables)

    def execute(self, statement: str, *parameters: Any) -> WalledCursor:
        """The same on the connection itself, which duckdb's own API also has."""
        cursor = self.cursor()
        cursor.execute(statement, *parameters)
        return cursor


def connect(role_names: list[str], is_administrator: bool) -> ConnectionWrapper:
    """A new connection to the current release for somebody with these roles."""
    if is_administrator:
        return ConnectionWrapper(open_release(None))
    rights = rows.read(place.rights_file())
    connection = open_release(lambda table: rights.condition(table, role_names))
    return WalledConnection(connection, rights.tables(role_names))  # type: ignore[arg-type]
