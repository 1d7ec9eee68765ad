"""A real MariaDB server for the tests, on a free loopback port, with its data in a private folder."""

import getpass
import shutil
import subprocess
import time
from itertools import count
from pathlib import Path
from urllib.parse import quote

from tests.servers import free_port

PASSWORD = "right/word@1?"


def program(name: str) -> str | None:
    """Where a program of MariaDB's is installed; servers lie outside the usual search path."""
    return shutil.which(name) or shutil.which(
        name, path="/usr/sbin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin"
    )


def is_installed() -> bool:
    """All that a server of our own needs."""
    return all(program(name) for name in ("mariadbd", "mariadb-install-db", "mariadb"))


class MariaDB:
    """The server; `reader` may read every database that was created here.

    Args:
        folder: empty, its path short: a socket's may have 107 characters.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self.port = free_port()
        user = getpass.getuser()
        data = folder / "data"
        self._call(
            "mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
            f"--datadir={data}", f"--user={user}",
        )  # fmt: skip
        self._log = (folder / "server.log").open("wb")
        self._server = subprocess.Popen(
            [
                str(program("mariadbd")), "--no-defaults", f"--user={user}", f"--datadir={data}",
                f"--socket={folder / 's'}", "--bind-address=127.0.0.1", f"--port={self.port}",
                "--character-set-server=utf8mb4", "--default-time-zone=+00:00", "--sql-mode=",
                "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=0",
                "--skip-log-bin",
            ],
            stdout=self._log,
            stderr=self._log,
        )  # fmt: skip
        self._wait()

    def create(self, sql: str) -> str:
        """A new database, filled by `sql`; returns the URL by which `reader` reads it."""
        name = f"db{next(self._numbers)}"
        self.run("mysql", f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        self.run("mysql", f"CREATE USER IF NOT EXISTS reader@'%' IDENTIFIED BY '{PASSWORD}'")
        self.run("mysql", f"GRANT SELECT ON {name}.* TO reader@'%'")
        self.run(name, sql)
        return self.url(name)

    def url(self, database: str, *, user: str = "reader", password: str = PASSWORD) -> str:
        """The URL of a database."""
        return f"mysql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def run(self, database: str, sql: str) -> str:
        """Run statements as the administrator; returns what they print."""
        return self._call(
            "mariadb", "--no-defaults", "--default-character-set=utf8mb4", "-uroot", "-N", "-B",
            f"--socket={self._folder / 's'}", database, text=sql,
        )  # fmt: skip

    def end(self) -> None:
        """Stop it by its own handle."""
        self._server.terminate()
        self._server.wait(60)
        self._log.close()

    def _call(self, name: str, *arguments: str, text: str = "") -> str:
        done = subprocess.run(
            [str(program(name)), *arguments], input=text, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout

    def _wait(self) -> None:
        for _ in range(600):
            try:
                self.run("mysql", "SELECT 1")
                return
            except AssertionError:
                if self._server.poll() is not None:
                    raise
                time.sleep(0.1)
        raise AssertionError("MariaDB does not answer")
