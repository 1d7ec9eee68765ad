"""A small city of its own for every test, and a small real HTTP service with a token and pages."""

import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from ingestion import web
from tests.ingestion.mariadb import MariaDB, is_installed
from wangting import clock, ledger
from wangting.ledger import loads

SITE = """
name: testcity
title: 测试市
division: "445100000000"
zone: Asia/Shanghai
plan: CZ17
go_live: 2017-11-30 08:00:00
precedence: []
province: {dept_code: "445100000000"}
"""


class City:
    """A site in a temporary folder, its clock, and what has landed."""

    def __init__(self, folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.home, self._patch = folder, home, monkeypatch
        folder.mkdir()
        (folder / "site.yml").write_text(SITE, "utf-8")
        monkeypatch.setenv("WANGTING_SITE", str(folder))
        self.at("2017-12-01 08:00")

    def at(self, moment: str) -> None:
        """Set the clock."""
        clock.set_simulated(datetime.fromisoformat(moment))

    def set(self, name: str, value: str) -> None:
        """Set an environment variable for this test."""
        self._patch.setenv(name, value)

    def declare(self, name: str, text: str) -> Path:
        """Write a source's declaration."""
        file = self.folder / "sources" / name / "source.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        head = (
            "owner: 测试局\nzone: Asia/Shanghai\nschedule: every 10 minutes\nsilent_after: 4 working hours\n"
        )
        file.write_text(f"title: 系统{name}\n{head}{text}", "utf-8")
        return file

    def loads(self, **wanted: Any) -> list[dict[str, Any]]:
        """The ledger's loads in the order of planning."""
        found = ledger.rows(loads.select().order_by(loads.c.planned_at, loads.c.load_id))
        return [row for row in found if all(row[name] == value for name, value in wanted.items())]

    def landed(self, source: str, table: str) -> list[dict[str, Any]]:
        """The rows of every committed load, through the ledger as a build reads them."""
        loaded = ledger.committed_loads(source, table)
        if not loaded:
            return []
        # A merged file is named by each of its loads; which of its rows are read is said by their load.
        files = sorted({str(self.home / row["path"]) for row in loaded})
        ids = [row["load_id"] for row in loaded]
        found = duckdb.connect().execute(
            "SELECT * FROM read_parquet(?, union_by_name = true, hive_partitioning = false)"
            " WHERE list_contains(?, _load_id) ORDER BY ALL",
            [files, ids],
        )
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def standing(self, source: str, table: str, key: str) -> dict[Any, dict[str, Any]]:
        """What counts now by what landed: of each key the row of the newest load, unless that says that it is gone."""
        order = {row["load_id"]: row["commit_seq"] for row in ledger.committed_loads(source, table)}
        newest: dict[Any, dict[str, Any]] = {}
        for row in sorted(self.landed(source, table), key=lambda row: order[row["_load_id"]]):
            newest[row[key]] = row
        return {name: row for name, row in newest.items() if not row["_is_deleted"]}

    def remarks(self, **wanted: Any) -> list[dict[str, Any]]:
        """The ledger's remarks in the order of noting."""
        found = ledger.rows(ledger.remarks.select().order_by(ledger.remarks.c.remark_id))
        return [row for row in found if all(row[name] == value for name, value in wanted.items())]

    def visible(self) -> list[Path]:
        """Every file under landing/, half-written ones too."""
        return sorted(file for file in (self.home / "landing").rglob("*") if file.is_file())


@pytest.fixture
def city(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> City:
    """An empty city at 2017-12-01 08:00."""
    return City(tmp_path / "site", home, monkeypatch)


Answer = tuple[int, dict[str, str], bytes]


class Service:
    """A service over `rows`; `instead` may answer a request in its place."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.secret = "right-secret"
        self.instead: Callable[[str, dict[str, str]], Answer | None] = lambda path, asked: None
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.tokens = 0
        self.address = ""
        self.headers: dict[str, str] = {}  # of the last request

    def answer(self, path: str, asked: dict[str, str], authorization: str, body: bytes) -> Answer:
        """What the service says."""
        self.asked.append((path, asked))
        odd = self.instead(path, asked)
        if odd is not None:
            return odd
        if path == "/token":
            if json.loads(body).get("client_secret") != self.secret:
                return self.json({"error": "invalid_client"}, 401)
            self.tokens += 1
            return self.json({"access_token": f"t{self.tokens}", "expires_in": 600})
        if authorization != f"Bearer t{self.tokens}":
            return self.json({"error": "invalid_token"}, 401)
        rows = [row for row in self.rows if row["updated_at"] >= asked.get("updated_after", "")]
        page, size = int(asked["page"]), int(asked["size"])
        return self.json(
            {"total": len(rows), "page": page, "size": size, "data": rows[(page - 1) * size : page * size]}
        )

    @staticmethod
    def json(content: Any, status: int = 200) -> Answer:
        """A JSON answer."""
        return status, {"Content-Type": "application/json"}, json.dumps(content, ensure_ascii=False).encode()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A real HTTP server on a free port; waits between tries are short."""
    monkeypatch.setattr(web, "WAITS", (0.01, 0.01))
    served = Service()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            served.headers = dict(self.headers.items())
            status, headers, content = served.answer(
                parts.path, asked, self.headers.get("Authorization", ""), body
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815 - the names that http.server asks for

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One real MariaDB a session, where one is installed; ended and removed by its own handle."""
    if not is_installed():
        pytest.skip("no MariaDB server is installed here")
    # Not under tmp_path: a socket's path may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="wtmy"))
    server = MariaDB(folder)
    try:
        yield server
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)
