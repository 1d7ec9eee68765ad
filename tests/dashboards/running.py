"""A real Superset for tests: bootstrapped in a home of its own, served by gunicorn on a free port, asked over HTTP."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
_CLIENTS = count(1)
# Each request on a connection of its own: one that the server is about to close would fail by chance.
_LIMITS = httpx.Limits(max_keepalive_connections=0)


def interpreter() -> str:
    """The interpreter of Superset's environment, which is made where it is not there."""
    subprocess.run(
        ["make", "--no-print-directory", "env-superset"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=600,
    )
    return str(ROOT / ".venv-superset" / "bin" / "python")


def stand_over(marts: Path, home: Path) -> Path:
    """A new home whose current release is a `marts.duckdb` that lies elsewhere."""
    release = home / "releases" / "given"
    release.mkdir(parents=True)
    (release / "marts.duckdb").symlink_to(marts.resolve())
    (home / "releases" / "current").symlink_to("given")
    return home


def write_declared(folder: Path) -> Path:
    """Write what Superset loads of the house's own declarations; the folder."""
    subprocess.run(
        [sys.executable, "-m", "wangting.cli", "dashboards", "write", str(folder)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=300,
    )
    return folder


_SERVE_WITH = """
import os, sys
sys.path.insert(0, os.getcwd())
from dashboards.superset import place, serve
place.prepare()
os.environ.update(SUPERSET_CONFIG_PATH={other!r}, PYTHONPATH=os.getcwd())
os.execv(sys.executable, serve.command([]))
"""


def sign_in(visitor: httpx.Client, name: str, password: str) -> httpx.Response:
    """What the login page's form answers."""
    page = visitor.get("/login/")
    token = re.search(r'csrf_token(?:&#34;|")[^A-Za-z]+(?:value=")?([\w.-]{20,})', page.text)
    form = {"username": name, "password": password} | ({"csrf_token": token[1]} if token else {})
    return visitor.post("/login/", data=form)


class Person:
    """Somebody who has logged in, asking through the REST API as the pages do."""

    def __init__(self, address: str, name: str, password: str) -> None:
        self.name = name
        self.http = httpx.Client(base_url=address, timeout=120, headers={"Referer": address}, limits=_LIMITS)
        answer = sign_in(self.http, name, password)
        assert answer.status_code == 302 and "login" not in answer.headers["location"], (
            f"{name}: {answer.status_code}"
        )
        self.http.headers["X-CSRFToken"] = self.http.get("/api/v1/security/csrf_token/").json()["result"]

    def get(self, path: str, **more: Any) -> httpx.Response:
        """GET."""
        return self.http.get(path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """POST of JSON."""
        return self.http.post(path, json=body, **more) if body is not None else self.http.post(path, **more)

    def put(self, path: str, body: Any) -> httpx.Response:
        """PUT of JSON."""
        return self.http.put(path, json=body)

    def sql(self, sql: str, **more: Any) -> httpx.Response:
        """SQL Lab."""
        body = {
            "database_id": 1,
            "sql": sql,
            "schema": "main",
            "client_id": f"t{next(_CLIENTS)}",
            "runAsync": False,
            **more,
        }
        return self.post("/api/v1/sqllab/execute/", body)

    def chart_data(
        self, source: int, *, kind: str = "table", form_data: Any = None, more: Any = None, **query: Any
    ) -> httpx.Response:
        """One query of a chart on a dataset."""
        body = {
            "datasource": {"id": source, "type": kind},
            "queries": [{"columns": [], "metrics": [], "row_limit": 10_000, **query}],
            "result_format": "json",
            "result_type": "full",
            **(more or {}),
        }
        if form_data is not None:
            body["form_data"] = form_data
        return self.post("/api/v1/chart/data", body)


@dataclass
class Superset:
    """A Superset of its own: where it is, and who may come in."""

    home: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    said: str = ""
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def _environment(self) -> dict[str, str]:
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WANGTING_", "SUPERSET"))
        }
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        return {
            **clean,
            "WANGTING_HOME": str(self.home),
            "WANGTING_SUPERSET_PORT": str(self.port),
            "WANGTING_SUPERSET_WORKERS": "1",
            "WANGTING_SUPERSET_LOGIN_RATE": "100 per second",
            **self.environment,
        }

    def bootstrap(self, bundle: Path, *arguments: str, fails: bool = False) -> str:
        """Run the bootstrap and return what it says; passwords that it prints are kept."""
        done = subprocess.run(
            [interpreter(), "dashboards/superset/bootstrap.py", "--bundle", str(bundle), *arguments],
            cwd=ROOT,
            env=self._environment(),
            text=True,
            capture_output=True,
            timeout=600,
        )
        assert (done.returncode != 0) == fails, f"{done.stdout}\n{done.stderr}"
        self.passwords |= dict(
            re.findall(r"^(?:用户|管理员)：(\S+)  密码：([\w-]+)（", done.stdout, re.MULTILINE)
        )
        self.said = done.stdout
        return done.stdout

    def start(self, configuration: str | None = None) -> None:
        """Start the server and wait until it is healthy; `configuration` is laid over ours."""
        log = (self.home / "superset-test.log").open("wb")
        command = [interpreter(), "dashboards/superset/serve.py"]
        if configuration is not None:
            other = self.home / "other_config.py"
            ours = ROOT / "dashboards" / "superset" / "config.py"
            other.write_text(
                f"exec(compile(open({str(ours)!r}).read(), {str(ours)!r}, 'exec'))\n{configuration}", "utf-8"
            )
            command = [interpreter(), "-c", _SERVE_WITH.format(other=str(other))]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self._environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        for _ in range(240):
            assert self.process.poll() is None, (self.home / "superset-test.log").read_text("utf-8")[-3000:]
            try:
                if httpx.get(f"{self.address}/health", timeout=5).text == "OK":
                    return
            except httpx.TransportError:
                time.sleep(0.5)
        raise AssertionError("Superset did not become healthy in two minutes")

    def stop(self) -> None:
        """End the server by its own handle."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(20)
        self.process = None

    def log_in(self, name: str) -> Person:
        """Somebody, logged in; the same one when asked again."""
        if name not in self.people:
            self.people[name] = Person(self.address, name, self.passwords[name])
        return self.people[name]
