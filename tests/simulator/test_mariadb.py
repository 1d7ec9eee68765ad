"""A department's MariaDB: a server with a password that comes back as it was and ends by its own handle."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from simulator import mariadb, processes
from simulator.mariadb import Server
from wangting import engine
from wangting.errors import WangtingError

pytestmark = pytest.mark.skipif(not mariadb.is_available(), reason="no MariaDB server on this machine")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("WANGTING_HOME", str(tmp_path))
    made = Server(tmp_path / "a folder with spaces" / "mariadb")
    made.create("bureau")
    yield made
    made.stop()


def _rows(server: Server, address: str | None = None) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        engine.load_extension(connection, "mysql_scanner")
        connection.execute(f"attach '{address or server.url('bureau')}' as bureau (type mysql, read_only)")
        return connection.execute("from bureau.words order by all").fetchall()


def test_what_is_written_is_there_after_a_stop_on_the_same_port(server: Server) -> None:
    server.execute(
        "bureau",
        "create table words (word varchar(40) primary key) character set gbk",
        "insert into words values ('潮州')",
    )
    address = server.url("bureau")
    assert server.stop() and not server.is_running()
    server.start()
    assert server.url("bureau") == address
    assert _rows(server) == [("潮州",)]


def test_it_is_nobodys_without_the_password(server: Server) -> None:
    server.execute("bureau", "create table words (word varchar(40))")
    for wrong in (
        server.url("bureau").replace(server.password, "guess"),
        server.url("bureau").replace(server.password, ""),
        server.url("bureau").replace(mariadb.USER, "root").replace(server.password, ""),
    ):
        with pytest.raises(duckdb.Error, match="Access denied"):
            _rows(server, wrong)


def test_the_password_stands_in_a_file_of_its_owner_and_on_no_command_line(server: Server) -> None:
    kept = server.folder / "password"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    pid = int((server.data / "server.pid").read_text())
    assert server.password.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert not (server.folder / "first.sql").exists()
    assert server.password not in (server.folder / "server.log").read_text("utf-8", "replace")


def test_two_cities_have_a_server_each_and_stopping_one_leaves_the_other(
    server: Server, tmp_path: Path
) -> None:
    other = Server(tmp_path / "other")
    other.create("bureau")
    try:
        assert other.url("bureau") != server.url("bureau")
        server.stop()
        assert other.is_running()
    finally:
        other.stop()


def test_a_stale_pid_file_ends_nobody_elses_process(server: Server) -> None:
    server.stop()
    (server.data / "server.pid").write_text(str(os.getpid()))
    assert not server.is_running() and not server.stop()
    assert processes.is_ours(os.getpid(), "") is False


def test_a_machine_without_mariadb_says_so_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mariadb, "find", lambda *names: None)
    assert not mariadb.is_available()
    with pytest.raises(WangtingError, match="没有 MariaDB 服务器"):
        Server(tmp_path / "none").create("bureau")
    assert not (tmp_path / "none").exists()
