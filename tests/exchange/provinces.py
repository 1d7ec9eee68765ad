"""The simulated province for tests of the push: in any dialect, by any way, as badly as asked; and what it stored."""

import json
import shutil
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from exchange.push import PushSummary, push
from simulator import province
from tests.exchange.lane import Lane
from wangting import clock, settings

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def site_with(monkeypatch: pytest.MonkeyPatch, folder: Path, **wanted: Any) -> Path:
    """A copy of the site whose province is as wanted, in force from now on; returns its site.yml."""
    monkeypatch.delenv("WANGTING_SITE", raising=False)
    source = settings.site_path()
    target = folder / "site"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    file = target / "site.yml"
    content = yaml.safe_load(file.read_text("utf-8"))
    content["province"] |= wanted
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    monkeypatch.setenv("WANGTING_SITE", str(target))
    return file


class Running:
    """A running province."""

    def __init__(self, home: Path, connections: dict[str, str], database: str | None) -> None:
        self.home, self.connections, self.database = home, connections, database

    def ask(self, path: str, content: dict[str, Any] | None = None) -> Any:
        """GET, or POST where there is content; the JSON answer. Straight to the province, whatever the site's way."""
        request = urllib.request.Request(
            self.connections["PROVINCE_URL"] + path,
            data=json.dumps(content).encode() if content is not None else None,
            headers={"Authorization": f"Bearer {self.connections['PROVINCE_TOKEN']}"},
        )
        with OPENER.open(request, timeout=10) as answer:
            return json.load(answer)

    def behave(self, **manners: Any) -> None:
        """From now on like this."""
        self.ask("/misbehave", manners)

    def stored(self) -> list[tuple[str, str, int, dict[str, str]]]:
        """Everything stored, as (table, key, version, fields); one line a receipt that was given."""
        found = []
        page = 1
        while rows := self.ask(f"/records?page={page}&size=2000")["data"]:
            found += [(row["tableName"], row["identify"], row["version"], row["fields"]) for row in rows]
            page += 1
        return found

    def collect(self) -> None:
        """Wait until the collector has looked at all that lies in the front-end database."""
        assert self.database is not None
        with psycopg.connect(self.database, autocommit=True) as connection:
            names = connection.execute("select tablename from pg_tables where schemaname = 'public'")
            tables = [row[0] for row in names]
            deadline = time.monotonic() + 60
            while any(
                connection.execute(f"select 1 from {table} where rec_flag = 0 limit 1").fetchone()
                for table in tables
            ):
                assert time.monotonic() < deadline, "the collector does not collect"
                time.sleep(0.02)

    def push_all(self) -> PushSummary:
        """Push every ten minutes, as in earnest, until nothing is under way any more."""
        for _ in range(40):
            summary = push()
            if not any(summary.states.get(state) for state in ("NEW", "RETRY", "SENT")):
                return summary
            if self.database is not None and not summary.stopped:
                self.collect()
            clock.advance(timedelta(minutes=10))
        raise AssertionError(summary)


@contextmanager
def running(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    route: str = "direct",
    database: str | None = None,
    **given: Any,
) -> Iterator[Running]:
    """A province of this home; addresses and secrets are in the environment."""
    connections = province.start(home, front_end=database, **given)
    try:
        if route == "sharing_platform":
            connections |= province.start_sharing_platform(home, connections)
        for name, value in connections.items():
            monkeypatch.setenv(name, value)
        yield Running(home, connections, database)
    finally:
        province.stop(home)


def truth(lane: Lane) -> list[tuple[str, str, int, dict[str, str]]]:
    """What the province must have of a lane whose records were all cut once: in the words of the specification."""
    found = []
    for record, rows in lane.rows.items():
        for key, row in rows.items():
            fields = {"VERSION": "1"}
            for field in lane.kinds[record].fields:
                value = row[field.column]
                if isinstance(value, datetime):
                    fields[field.official] = f"{value:%Y-%m-%d %H:%M:%S}"
                elif field.type == "number" and value is not None:
                    fields[field.official] = f"{value:.2f}"
                elif value is not None and value != "":
                    fields[field.official] = str(value)
            found.append((record, key, 1, fields))
    return found
