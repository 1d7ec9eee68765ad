"""A released warehouse of a small city, a Superset over it, and people of every role."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import yaml

from dashboards.superset import rows
from tests.dashboards import browser, small_bundle
from tests.dashboards.running import Person, Superset, stand_over, write_declared
from tests.e2e.city import City


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a current release of a city of 1,000 cases.

    `TEST_RELEASE` names a `marts.duckdb` to be used instead, for whoever runs these tests many times.
    """
    home = tmp_path_factory.mktemp("released") / "var"
    given = os.environ.get("TEST_RELEASE")
    if given:
        release = home / "releases" / "given"
        release.mkdir(parents=True)
        shutil.copy(given, release / "marts.duckdb")
        (home / "releases" / "current").symlink_to("given")
        yield home
        return
    city = City(home)
    try:
        city.run("simulate", "up", "--cases", "1000")
        # Twice: what monitoring looks at is what the exchange has left in the ledger.
        for command in ("pull", "exchange", "reconcile", "pull", "build", "publish"):
            # What is held has not reached the province, and reconcile says so with its exit code.
            city.run(command, fails=command == "reconcile")
        yield home
    finally:
        city.run("simulate", "down")


@dataclass(frozen=True)
class Known:
    """What the release itself says: whose case is whose. Codes are the marts' own."""

    marts: Path
    own: str
    other: str
    unit: str
    town: str

    def cases(self, condition: str = "true") -> set[str]:
        """The numbers of the cases that a condition leaves."""
        with duckdb.connect(str(self.marts), read_only=True) as connection:
            return {
                number
                for (number,) in connection.execute(
                    f"select case_no from fct_cases where {condition}"
                ).fetchall()
            }

    def count(self, table: str, condition: str = "true") -> int:
        """How many rows a condition leaves of a table."""
        with duckdb.connect(str(self.marts), read_only=True) as connection:
            found = connection.execute(f"select count(*) from {table} where {condition}").fetchone()
        assert found is not None
        return int(found[0])

    @property
    def ours(self) -> set[str]:
        """The cases of the county whose people ask."""
        return self.cases(f"county_code = '{self.own}'")


@pytest.fixture(scope="session")
def known(released: Path) -> Known:
    """The two counties, the department and the town with the most cases."""
    marts = released / "releases" / "current" / "marts.duckdb"
    with duckdb.connect(str(marts), read_only=True) as connection:

        def most(column: str, number: int, table: str = "fct_cases") -> str:
            found = connection.execute(
                f"select {column} from {table} where {column} is not null group by 1 "
                "order by count(*) desc, 1 limit 1 offset ?",
                [number],
            ).fetchone()
            assert found is not None
            return str(found[0])

        return Known(
            marts,
            most("county_code", 0),
            most("county_code", 1),
            most("unit_code", 0),
            most("town_code", 0, "board_cases"),
        )


@pytest.fixture(scope="session")
def superset(released: Path, known: Known, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """A running Superset with a small bundle and people of every role."""
    made = Superset(released)
    bundle = small_bundle.write(tmp_path_factory.mktemp("bundle"), known.marts)
    people = {
        "city": "市级,分析",
        "county": f"县区:{known.own},分析",
        "neighbour": f"县区:{known.other},分析",
        "reader": f"县区:{known.own}",
        "department": f"部门:{known.unit}",
        "town": f"镇街:{known.town}",
        "supervisor": "效能监督",
        "county_supervisor": f"效能监督:{known.own},分析",
        "people": "专题人员级",
        "public": "公众",
        "nobody": "分析",
    }
    made.bootstrap(bundle, *(f"--user={name}={roles}" for name, roles in people.items()))
    made.start()
    try:
        yield made
    finally:
        made.stop()


@dataclass(frozen=True)
class Declared:
    """A Superset with everything that is declared, and who may come in: name → roles."""

    superset: Superset
    folder: Path
    people: dict[str, list[str]]

    @property
    def rights(self) -> rows.Rights:
        """As written."""
        return rows.read(self.folder / "rights.json")

    def tables(self) -> dict[str, set[str]]:
        """Slug of each dashboard → the tables of its charts and filters."""
        assets = {
            path: yaml.safe_load(path.read_text("utf-8")) for path in (self.folder / "bundle").rglob("*.yaml")
        }
        by_uuid = {str(asset["uuid"]): asset for asset in assets.values() if "uuid" in asset}
        found = {}
        for path, board in assets.items():
            if path.parent.name != "dashboards":
                continue
            used: set[str] = set()
            for part in board["position"].values():
                if isinstance(part, dict) and part.get("type") == "CHART":
                    used.add(by_uuid[by_uuid[part["meta"]["uuid"]]["dataset_uuid"]]["table_name"])
            for each in board["metadata"].get("native_filter_configuration", []):
                for target in each.get("targets", []):
                    if "datasetUuid" in target:
                        used.add(by_uuid[target["datasetUuid"]]["table_name"])
            found[str(board["slug"])] = used
        return found


@pytest.fixture(scope="session")
def declared(
    known: Known, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Declared]:
    """Its own home over the same release; for the API's tests and for the browser's."""
    seconds = request.config.stash[browser.SECONDS]
    folder = tmp_path_factory.mktemp("declared")
    people = {
        "city": ["市级"],
        "county": [f"县区:{known.own}"],
        "department": [f"部门:{known.unit}"],
        "town": [f"镇街:{known.town}"],
        "stranger": ["镇街:445100999000"],
        "supervisor": ["效能监督"],
        "county_supervisor": [f"效能监督:{known.own}"],
        "people": ["专题人员级"],
        "public": ["公众"],
    }
    started = time.monotonic()
    assets = write_declared(folder / "assets")
    superset = Superset(stand_over(known.marts, folder / "var"))
    superset.bootstrap(assets, *(f"--user={name}={','.join(roles)}" for name, roles in people.items()))
    seconds["bootstrap"] = time.monotonic() - started
    started = time.monotonic()
    superset.start()
    seconds["start"] = time.monotonic() - started
    try:
        yield Declared(superset, assets, people)
    finally:
        superset.stop()


REFUSED = {400, 401, 403, 404, 405, 422, 500, 501}


def rows_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The rows of a chart's or SQL Lab's answer."""
    assert answer.status_code == 200, answer.text[:500]
    body = answer.json()
    rows = body["result"][0]["data"] if "result" in body else body["data"]
    assert isinstance(rows, list)
    return rows


@dataclass(frozen=True)
class It:
    """The running Superset and what is known of its rows: `ours` are those of the county whose person asks."""

    superset: Superset
    admin: Person
    county: Person
    known: Known
    ids: dict[str, int]
    every_case: set[str]
    ours: set[str]

    def seen(self, answer: httpx.Response) -> set[str]:
        """The case numbers in an answer, whatever its form."""
        return set(re.findall(r"[0-9A-Za-z-]{8,}", answer.text)) & self.every_case

    def only_ours(self, answer: httpx.Response, *, whole: bool = True) -> None:
        """The answer has rows of ours, all of them where `whole`, and none of anybody else's."""
        assert answer.status_code == 200, answer.text[:500]
        found = self.seen(answer)
        assert found <= self.ours, f"{len(found - self.ours)} foreign cases"
        assert found == self.ours if whole else found, answer.text[:500]

    def nothing(self, answer: httpx.Response) -> None:
        """The answer is a refusal without a single case."""
        assert not self.seen(answer)
        assert answer.status_code in REFUSED, f"{answer.status_code} {answer.text[:300]}"


@pytest.fixture(scope="session")
def it(superset: Superset, known: Known) -> It:
    """All of it."""
    admin = superset.log_in("admin")
    ids = {each["table_name"]: each["id"] for each in admin.get("/api/v1/dataset/").json()["result"]}
    found = It(superset, admin, superset.log_in("county"), known, ids, known.cases(), known.ours)
    assert 20 < len(found.ours) < 0.8 * len(found.every_case)
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Room for what the browser's tests measure."""
    config.stash[browser.SECONDS] = {}


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Where the pictures lie, and how long what took."""
    if seconds := config.stash[browser.SECONDS]:
        told = ", ".join(f"{what} {took:.1f} s" for what, took in seconds.items())
        terminalreporter.write_line(f"in the browser: {told}; {sum(seconds.values()):.0f} s together")
        terminalreporter.write_line(f"pictures of the dashboards: {browser.SCREENSHOTS}")
