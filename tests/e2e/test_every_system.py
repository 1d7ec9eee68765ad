"""What the systems beside the cases held, pull by pull, is what landed: key by key, version by version, deletes too.

Expected is worked out from the simulator's own truth and the moments of the pulls; what landed is read from the files.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from simulator.systems import SYSTEMS
from simulator.systems.stores import Dropped, Kept
from simulator.systems.tables import Table, quoted
from tests.e2e.houses import city_in_this_process

pytestmark = pytest.mark.e2e

HOURS = (24, 6, 18, 30, 24, 3, 45, 24, 26, 24)
DARK = (2, 3)  # the pulls at which some interfaces do not answer
SILENT = ("complaints_and_ratings", "channels")
DRIFT = 5  # the pull at which one interface has lost a column
DRIFTING, LOST = "public_resources", "state"
KEPT = [system for system in SYSTEMS if isinstance(system, Kept)]
TABLES = [table for system in KEPT for table in system.tables]
IN_FILES = {table.full_name for system in KEPT if isinstance(system, Dropped) for table in system.tables}
SOURCES = sorted({table.source for table in TABLES})


class Way:
    """A city that went on ten times, pulled after each step.

    Attributes:
        pulls: source → the moments at which it was pulled without an error.
        failed: the sources that failed, pull by pull.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.pulls: dict[str, list[datetime]] = {source: [] for source in SOURCES}
        self.failed: list[set[str]] = []

    def go(self) -> None:
        """The whole way."""
        from simulator.commands import advance_by, create_or_start

        create_or_start(1_000, 11, 0.02)
        self.pull()
        for number, hours in enumerate(HOURS, 1):
            advance_by(hours)
            self.misbehave(SILENT, {"status": 503} if number in DARK else {"clear": True})
            self.misbehave((DRIFTING,), {"missing_column": LOST} if number == DRIFT else {"clear": True})
            self.pull()

    def misbehave(self, sources: tuple[str, ...], how: dict[str, Any]) -> None:
        """Let some interfaces fail from now on, or answer again."""
        known = json.loads((self.home / "simulator" / "connections.json").read_text("utf-8"))
        for source in sources:
            url = known[f"{source.upper()}_URL"]
            httpx.post(f"{url}/misbehave", json=how, trust_env=False).raise_for_status()

    def pull(self) -> None:
        """Pull them all; who did not answer has not been pulled."""
        from ingestion.pulling import pull
        from wangting import clock

        failed = {result.source for result in pull(SOURCES) if result.state == "failed"}
        self.failed.append(failed)
        for source in set(SOURCES) - failed:
            self.pulls[source].append(clock.now())

    def truth(self, table: Table) -> str:
        """SQL: the versions of a table."""
        return f"read_parquet('{self.home / 'simulator' / 'truth' / f'{table.full_name}.parquet'}')"

    def landed(self, table: Table) -> str:
        """SQL: everything that landed of it."""
        files = self.home / "landing" / table.source / table.name / "**" / "*.parquet"
        return f"read_parquet('{files}', union_by_name = true, hive_partitioning = false)"


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    with city_in_this_process(tmp_path_factory.mktemp("every") / "var") as home:
        made = Way(home)
        made.go()
        yield made


def test_only_those_fail_that_do_not_answer_or_have_lost_a_column(way: Way) -> None:
    expected: dict[int, set[str]] = {key: set(SILENT) for key in DARK} | {DRIFT: {DRIFTING}}
    assert way.failed == [expected.get(number, set()) for number in range(len(HOURS) + 1)]


def _moments(moments: list[datetime]) -> str:
    listed = ", ".join(f"timestamp '{moment}'" for moment in moments)
    return f"(select unnest([{listed}]) as pulled_at)"


def _columns(way: Way, table: Table) -> str:
    names = duckdb.sql(f"select * exclude (seen_at, gone_at) from {way.truth(table)}").columns
    return ", ".join(map(quoted, names))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
def test_every_version_that_a_pull_could_see_has_landed_at_that_pull_and_nothing_else(
    way: Way, table: Table
) -> None:
    columns = _columns(way, table)
    # A row that changes in place shows what it is; a file shows what it said.
    lasts = (
        "timestamp '9999-01-01'"
        if table.full_name in IN_FILES
        else "least(next_at, coalesce(gone_at, next_at))"
    )
    expected = f"""
        select {columns}, min(pulled_at) as landed_at
        from (select *, coalesce(lead(seen_at) over (partition by {table.keys} order by seen_at),
                  timestamp '9999-01-01') as next_at from {way.truth(table)})
        join {_moments(way.pulls[table.source])} on pulled_at >= seen_at and pulled_at < {lasts}
        group by {columns}, seen_at"""
    landed = (
        f"select {columns}, _loaded_at as landed_at from {way.landed(table)} where _is_deleted is not true"
    )
    missing = duckdb.sql(f"({expected}) except all ({landed})").fetchall()
    unknown = duckdb.sql(f"({landed}) except all ({expected})").fetchall()
    assert duckdb.sql(expected).fetchall()
    assert (missing[:3], unknown[:3]) == ([], [])


GOING = [table for table in TABLES if table.full_name not in IN_FILES]


@pytest.mark.parametrize("table", GOING, ids=lambda table: table.full_name)
def test_every_row_that_is_gone_has_landed_as_gone_once(way: Way, table: Table) -> None:
    pulls = way.pulls[table.source]
    expected = duckdb.sql(
        f"select distinct {table.keys} from {way.truth(table)} t where gone_at <= timestamp '{pulls[-1]}'"
        f" and exists (from {_moments(pulls)} where pulled_at >= seen_at and pulled_at < gone_at)"
    ).fetchall()
    told = duckdb.sql(f"select {table.keys} from {way.landed(table)} where _is_deleted").fetchall()
    assert sorted(told, key=str) == sorted(expected, key=str)
    early = duckdb.sql(
        f"select l._loaded_at from {way.landed(table)} l join {way.truth(table)} t using ({table.keys})"
        " where l._is_deleted and l._loaded_at < t.gone_at"
    ).fetchall()
    assert not early


def test_rows_have_gone_in_every_way_of_finding_out(way: Way) -> None:
    ways: dict[str, int] = {}
    from wangting.site import current_site

    for source in current_site().sources:
        for name, declared in source.tables.items():
            table = next((each for each in GOING if (each.source, each.name) == (source.name, name)), None)
            if declared.deletes is None or table is None:
                continue
            told = duckdb.sql(f"select count(*) from {way.landed(table)} where _is_deleted").fetchall()
            ways[declared.deletes.by] = ways.get(declared.deletes.by, 0) + told[0][0]
    assert set(ways) == {"keys", "counts", "snapshot"}
    assert all(ways.values())


def test_a_pull_without_news_lands_nothing(way: Way) -> None:
    from ingestion.pulling import pull

    assert {(result.source, result.table): result.rows for result in pull(SOURCES) if result.rows} == {}


def test_the_provinces_receipts_land_as_the_province_keeps_them(way: Way) -> None:
    from ingestion.pulling import pull
    from tests.e2e.city import City

    pull(["unified_platform"])
    city = City(way.home)
    city.run("exchange")
    assert [result.errors for result in pull(["province_receipts"])] == [[], []]
    landed = duckdb.sql(
        "select record, record_key, version, code, receipt_no"
        f" from read_parquet('{way.home}/landing/province_receipts/receipts/**/*.parquet', hive_partitioning = false)"
    ).fetchall()
    assert len(landed) > 100
    assert {row[:3] for row in landed if row[3] == 0} == set(city.province_records())
    province = httpx.Client(
        base_url=city.connection("PROVINCE_URL"),
        headers={"Authorization": f"Bearer {city.connection('PROVINCE_TOKEN')}"},
        trust_env=False,
        timeout=60,
    )
    with province:
        for record, key, version, code, number in landed[:: max(1, len(landed) // 100)]:
            asked = {"tableName": record, "identify": key}
            kept = province.get("/receipts", params=asked).raise_for_status().json()["data"]
            assert (number, str(version), code) in {
                (one["receiptNo"], one["version"], one["code"]) for one in kept
            }
