"""Where does a department keep its own MariaDB? A real server of its own, on a free loopback port, with a password.

Not every machine has one (`mariadbd`, or `mysqld` of MariaDB); `find` says whether this one does.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from simulator import processes
from wangting.errors import WangtingError

USER = "hall"
TITLE = "模拟城市的 MariaDB"
START_SECONDS = 60.0  # usually one or two; a loaded two-core machine takes many times that
STOP_SECONDS = 20.0  # after this a server that will not end by itself is killed
_PLACES = os.pathsep.join(
    ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/bin", "/opt/homebrew/bin")
)
# A city that can be made again needs no durability beyond a stop in order.
_SETTINGS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-log-file-size=16M",
    "--innodb-buffer-pool-size=48M",
    "--innodb-fast-shutdown=1",
    "--max-allowed-packet=64M",
    "--character-set-server=utf8mb4",
    "--default-time-zone=+08:00",
    "--sql-mode=NO_ENGINE_SUBSTITUTION",  # as such systems run: a date of zeros is taken
)


def find(*names: str) -> Path | None:
    """The first of these programs that this machine has, also where only administrators look; None: none of them."""
    path = os.pathsep.join((os.environ.get("PATH", ""), _PLACES))
    found = (shutil.which(name, path=path) for name in names)
    return next((Path(each) for each in found if each), None)


def is_available() -> bool:
    """Whether a MariaDB server can be run on this machine."""
    return find("mariadbd") is not None and find("mariadb-install-db", "mysql_install_db") is not None


class Server:
    """One MariaDB.

    Args:
        folder: its own; holds `data`, `server.log`, the port and the password (mode 0600).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    @property
    def _mark(self) -> str:
        """What stands on the command line of this server and of no other."""
        return f"--datadir={self.data}"

    @property
    def password(self) -> str:
        """Made once, kept beside the data."""
        return processes.secret(self.folder / "password")

    def create(self, *databases: str) -> None:
        """Make an empty server with these databases (utf8mb4), and start it; an existing one is removed first.

        Raises WangtingError where the machine has no MariaDB, or it does not come up.
        """
        install = find("mariadb-install-db", "mysql_install_db")
        if install is None or find("mariadbd") is None:
            raise WangtingError(
                "这台机器上没有 MariaDB 服务器（mariadbd）", place=TITLE, mend="安装 mariadb-server"
            )
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)
        made = subprocess.run(
            [
                str(install),
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--innodb-log-file-size=16M",
                "--datadir=./data",  # it is a shell script, and takes no path with spaces in it
                *_account(),
            ],
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
        )
        if made.returncode:
            words = (made.stderr or made.stdout).strip().splitlines()
            raise WangtingError(
                f"{TITLE}的 {install.name} 失败：{words[-1] if words else '没有说明'}",
                place=str(self.folder),
                mend="检查磁盘空间与目录权限后重试",
            )
        (self.folder / "port").unlink(missing_ok=True)
        first = self.folder / "first.sql"
        statements = [
            f"create user '{USER}'@'127.0.0.1' identified by '{self.password}'",
            f"grant all on *.* to '{USER}'@'127.0.0.1'",
            "drop user if exists 'root'@'127.0.0.1', 'root'@'::1'",
            f"alter user 'root'@'localhost' identified by '{self.password}'",
            *(f"create database {name} character set utf8mb4" for name in databases),
        ]
        first.touch(mode=0o600)
        first.write_text("".join(f"{each};\n" for each in statements), "ascii")
        try:
            self._start(f"--init-file={first}")
        finally:
            first.unlink()

    def start(self) -> None:
        """Start it on the port it had before, or on a free one; a running server is left alone."""
        if not self.is_running():
            self._start()

    def _start(self, *more: str) -> None:
        program = find("mariadbd")
        if program is None:
            raise WangtingError(
                "这台机器上没有 MariaDB 服务器（mariadbd）", place=TITLE, mend="安装 mariadb-server"
            )
        port = _free_port(self.folder / "port")
        log = self.folder / "server.log"
        with log.open("ab") as output:
            offset = output.tell()
            child = subprocess.Popen(
                [
                    str(program),
                    "--no-defaults",
                    self._mark,
                    f"--port={port}",
                    "--socket=server.sock",  # beside the data; a longer path would not fit
                    "--pid-file=server.pid",
                    *_SETTINGS,
                    *more,
                    *_account(),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                start_new_session=True,
            )
        processes.keep(child)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if child.poll() is not None:
                break
            if self._pid() == child.pid and _answers(port):
                (self.folder / "port").write_text(str(port), "ascii")
                return
            time.sleep(0.03)
        words = _errors(log, offset)
        if child.poll() is None:
            child.kill()
            child.wait()
            words = f"{START_SECONDS:.0f} 秒内没有就绪"
        raise WangtingError(
            f"{TITLE}没有启动：{words}", place=str(self.folder), mend=f"请查看日志 {log} 后重试"
        )

    def _pid(self) -> int:
        try:
            return int((self.data / "server.pid").read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return 0

    def is_running(self) -> bool:
        """Whether this very server runs."""
        return processes.is_ours(self._pid(), self._mark)

    def stop(self) -> bool:
        """Stop it, if it runs; what is written stays. Whether it was running."""
        running = self.is_running()
        if running:
            processes.end(self._pid(), self._mark, STOP_SECONDS)
        return running

    def url(self, database: str) -> str:
        """The address of one database, password included: mysql://user:password@127.0.0.1:port/database."""
        port = (self.folder / "port").read_text("ascii")
        return f"mysql://{USER}:{self.password}@127.0.0.1:{port}/{database}"

    @contextmanager
    def attached(self, connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[str]:
        """One database attached to a DuckDB connection under its own name, which is also what is yielded."""
        from wangting import engine

        engine.load_extension(connection, "mysql_scanner")
        port = (self.folder / "port").read_text("ascii")
        given = f"host=127.0.0.1 port={port} user={USER} password={self.password} database={database}"
        connection.execute(f"attach {engine.literal(given)} as {database} (type mysql)")
        try:
            yield database
        finally:
            connection.execute(f"detach {database}")

    def execute(self, database: str, *statements: str) -> None:
        """Run MariaDB's own SQL through a connection of its own."""
        from wangting import engine

        with engine.connect() as connection, self.attached(connection, database):
            for statement in statements:
                connection.execute(f"call mysql_execute('{database}', {engine.literal(statement)})")


def _account() -> list[str]:
    """MariaDB runs as root only when told so; as anybody else it runs as that."""
    return ["--user=root"] if os.name == "posix" and os.geteuid() == 0 else []


def _free_port(kept: Path) -> int:
    wanted = int(kept.read_text("ascii")) if kept.exists() else 0
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:  # taken by somebody else meanwhile: any other free port will do
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    """Whether a server greets there (its first packet holds its version)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as there:
            return b"MariaDB" in there.recv(256)
    except OSError:
        return False


def _errors(log: Path, offset: int) -> str:
    with log.open("rb") as file:
        file.seek(offset)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    wrong = [line for line in lines if "[ERROR]" in line and "Aborting" not in line]
    return (wrong or lines or ["进程一启动就结束了"])[-1].split("[ERROR]")[-1].strip().removesuffix("。")
