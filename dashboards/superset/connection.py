"""The wall: a connection that has nobody's rows but its user's.

What somebody reads through is a database of its own, in memory, one for everybody with the same roles. The current
release is attached to it under a name that is drawn for it, and the catalog that a user's statements see has views over
it, one a table that these roles have any right to, each with their condition. A statement is held against DuckDB's own
parser before it runs: it can name that catalog's views and nothing else, and it can change nothing. So it does not
matter which of Superset's doors it came through, nor what another with the same roles asked before.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Iterable
from pathlib import Path
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

_log = logging.getLogger(__name__)

CATALOG = "marts"
SCHEMA = "main"

# To open a release costs more than most charts do, so it stays open for the next one, while it is current: an old one
# can go only when nobody has it open.
_IDLE_SECONDS = 60.0
_LOOK_EVERY = 1.0
_KEPT_OPEN = 8


def open_release(conditions: dict[str, str] | None) -> duckdb.DuckDBPyConnection:
    """The current release, read-only, without files, extensions or Python objects.

    `conditions` has the tables to be shown, each with the condition of its rows; without it the whole release stands
    in the catalog (the administrator). Raises duckdb.Error where there is no release.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": os.environ.get("WANGTING_SUPERSET_QUERY_THREADS") or "2",
        "memory_limit": os.environ.get("WANGTING_SUPERSET_QUERY_MEMORY") or "1GB",
        "temp_directory": "",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
    }
    connection = duckdb.connect(":memory:", config=config)
    path = str(place.real_marts()).replace("'", "''")
    if conditions is None:
        connection.execute(f"ATTACH '{path}' AS {CATALOG} (READ_ONLY)")
    else:
        release = f"release_{secrets.token_hex(8)}"
        connection.execute(f"ATTACH ':memory:' AS {CATALOG}; ATTACH '{path}' AS {release} (READ_ONLY)")
        for table, condition in conditions.items():
            try:
                connection.execute(
                    f'CREATE VIEW {CATALOG}.{SCHEMA}."{table}" AS '
                    f'SELECT * FROM {release}.{SCHEMA}."{table}" WHERE {condition}'
                )
            except (duckdb.CatalogException, duckdb.BinderException) as error:
                # A release from before the table, or the column that says whose its rows are. The others can be read.
                _log.warning("%s is not shown: %s", table, str(error).splitlines()[0])
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    return connection


class _Open:
    """Releases that this process has open, by whose rows they show.

    All reading is done through cursors of them, each a connection of its own; a release that is let go closes with the
    last of these.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Any, duckdb.DuckDBPyConnection] = {}
        self._used: dict[Any, float] = {}
        self._watch: threading.Thread | None = None

    def cursor(self, role_names: tuple[str, ...] | None) -> duckdb.DuckDBPyConnection:
        """A connection to the current release as these roles see it; None: as the administrator does."""
        key = seen(role_names)
        with self._lock:
            is_new = key not in self._held
            if is_new:
                self._held[key] = open_release(None if role_names is None else _conditions(role_names))
            self._used[key] = time.monotonic()
            cursor = self._held[key].cursor()
            if is_new:
                self._let_go()
            if self._watch is None or not self._watch.is_alive():
                self._watch = threading.Thread(target=self._keep_watch, name="idle releases", daemon=True)
                self._watch.start()
        cursor.execute(f"USE {CATALOG}")
        return cursor

    def _let_go(self) -> None:
        current, idle = _identity(place.real_marts()), time.monotonic() - _IDLE_SECONDS
        latest_first = sorted(self._held, key=self._used.__getitem__, reverse=True)
        for at, key in enumerate(latest_first):
            if at >= _KEPT_OPEN or key[0] != current or self._used[key] < idle:
                del self._held[key], self._used[key]

    def _keep_watch(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY)
            with self._lock:
                self._let_go()
                if not self._held:
                    self._watch = None
                    return


_open = _Open()


def seen(role_names: tuple[str, ...] | None) -> tuple[Any, ...]:
    """What decides about the rows that these roles see now: the release, the rights, the roles themselves."""
    return _identity(place.real_marts()), _identity(place.rights_file()), role_names


def _identity(file: Path) -> tuple[str, int, int] | None:
    """Which file this is, also where another has come under its name; None: there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return str(file), found.st_ino, found.st_mtime_ns


def _conditions(role_names: tuple[str, ...]) -> dict[str, str]:
    """Of each table that these roles have any right to, the condition of their rows."""
    rights = rows.read(place.rights_file())
    # Names differ by more than capitals, or are the same table.
    found = {table.lower(): rights.condition(table, role_names) for table in rights.datasets}
    return {table: condition for table, condition in found.items() if condition is not None}


class WalledCursor(CursorWrapper):
    """A cursor that runs only statements that can be shown to read the user's own views."""

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        """Run one SELECT; raises duckdb.PermissionException for anything else, its text for people."""
        try:
            tables_read(statement, catalog=CATALOG, schema=SCHEMA)
        except RefusedError as refused:
            # SQLAlchemy's own questions come with (empty) parameters; a person's statement never does.
            if parameters is None or not reads_only_catalogue(statement):
                raise duckdb.PermissionException(str(refused)) from None
        super().execute(statement, parameters, context)

    def executemany(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        """Refused: nothing here writes."""
        raise duckdb.PermissionException("只能运行 SELECT 查询")


class WalledConnection(ConnectionWrapper):
    """What SQLAlchemy gets for somebody who is not the administrator."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection)
        self._connection = connection

    def cursor(self) -> WalledCursor:
        """A cursor behind the wall."""
        return WalledCursor(self._connection, self)

    def execute(self, statement: str, *parameters: Any) -> WalledCursor:
        """The same on the connection itself, which duckdb's own API also has."""
        cursor = self.cursor()
        cursor.execute(statement, *parameters)
        return cursor


def whose(role_names: Iterable[str], is_administrator: bool) -> tuple[str, ...] | None:
    """The roles as `seen` takes them: in their order, none of the administrator's."""
    return None if is_administrator else tuple(sorted(role_names))


def connect(role_names: Iterable[str], is_administrator: bool) -> ConnectionWrapper:
    """A new connection to the current release for somebody with these roles."""
    names = whose(role_names, is_administrator)
    return ConnectionWrapper(_open.cursor(None)) if names is None else WalledConnection(_open.cursor(names))
