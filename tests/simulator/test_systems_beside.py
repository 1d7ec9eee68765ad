"""The systems that carry no cases: what they show, read as an outsider, is what the simulator knows of itself."""

import csv
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from simulator import city as cities
from simulator import services
from simulator.services.kinds import KINDS, Kind
from simulator.systems import SYSTEMS
from simulator.systems.stores import Dropped, InPostgres, InSqlite, Kept, Served
from simulator.systems.tables import Table
from wangting import settings

STEPS = (24.0, 7.0, 41.0)  # hours
KEPT = [system for system in SYSTEMS if isinstance(system, Kept)]


def _of(kind: type[Kept]) -> list[Table]:
    return [table for system in KEPT if isinstance(system, kind) for table in system.tables]


TABLES = [table for system in KEPT for table in system.tables]
IDS = [table.full_name for table in TABLES]


class Made:
    """A city of 1,000 cases that went on by some steps."""

    def __init__(self, home: Path, steps: tuple[float, ...]) -> None:
        before = os.environ.get("WANGTING_HOME")
        os.environ["WANGTING_HOME"] = str(home)
        try:
            which = cities.Settings(1_000, 7, 0.02)
            self.home, self.city = home, cities.City(home, settings.site_path(), which)
            self.city.create(lambda *_: None)
            self.now, drawn = cities.START, cities.START.date()
            for hours in steps:
                self.city = cities.City(home, settings.site_path(), which)
                until = self.now + timedelta(hours=hours)
                self.city.advance(self.now, until, drawn)
                self.now, drawn = until, until.date()
        finally:
            self.city.stop()
            os.environ.pop("WANGTING_HOME") if before is None else os.environ.update(WANGTING_HOME=before)

    def truth(self, table: Table) -> str:
        """SQL of the table's versions."""
        return f"read_parquet('{self.home / 'simulator' / 'truth' / f'{table.full_name}.parquet'}')"

    def current(self, table: Table) -> list[dict[str, Any]]:
        """The rows that are there now, as texts, in an order of their own."""
        found = duckdb.sql(
            f"select * exclude (seen_at, gone_at) from {self.truth(table)} where gone_at is null"
            f" qualify row_number() over (partition by {table.keys} order by seen_at desc) = 1"
        )
        return _texts(found)


def _texts(found: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    names = found.columns
    rows = [
        {name: None if value is None else _text(value) for name, value in zip(names, row, strict=True)}
        for row in found.fetchall()
    ]
    return sorted(rows, key=str)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    home = tmp_path_factory.mktemp("beside") / "var"
    home.mkdir()
    city = Made(home, STEPS)
    yield city
    city.city.server.stop()


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """The same city that went the whole way in one step."""
    home = tmp_path_factory.mktemp("at_once") / "var"
    home.mkdir()
    yield Made(home, (sum(STEPS),))


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_the_truth_names_every_version_once_and_a_row_that_is_gone_has_no_later_one(
    made: Made, table: Table
) -> None:
    rows = made.truth(table)
    content = f"(select r from (select * exclude (seen_at, gone_at) from {rows}) r)"
    assert duckdb.sql(f"from {content}").fetchall()
    assert not duckdb.sql(
        f"select {table.keys}, seen_at from {rows} group by all having count(*) > 1"
    ).fetchall()
    assert not duckdb.sql(
        f"select {table.keys} from {rows} group by all having count(distinct coalesce(gone_at, 'infinity')) > 1"
    ).fetchall()
    wrong = f"seen_at > timestamp '{made.now}' or gone_at > timestamp '{made.now}' or seen_at >= gone_at"
    assert not duckdb.sql(f"from {rows} where {wrong}").fetchall()


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_several_steps_come_to_the_same_as_one(made: Made, at_once: Made, table: Table) -> None:
    one, other = made.truth(table), at_once.truth(table)
    assert not duckdb.sql(
        f"(from {one} except all from {other}) union all (from {other} except all from {one})"
    ).fetchall()


def test_there_are_corrections_deletes_and_late_rows_among_them(made: Made) -> None:
    corrected, gone, late = set(), set(), set()
    for table in TABLES:
        rows = made.truth(table)
        lately = f"seen_at > timestamp '{cities.START}'"
        if duckdb.sql(
            f"select 1 from {rows} group by {table.keys} having count(*) > 1 and bool_or({lately})"
        ).fetchall():
            corrected.add(table.full_name)
        if duckdb.sql(f"from {rows} where gone_at > timestamp '{cities.START}'").fetchall():
            gone.add(table.full_name)
        written = {"updated_at", "gxsj"} & set(duckdb.sql(f"from {rows}").columns)
        for name in written:
            if duckdb.sql(f"from {rows} where {lately} and seen_at - {name} > interval 30 second").fetchall():
                late.add(table.full_name)
    assert corrected >= {"item_catalogue__standards", "elicence__licences", "public_resources__deals"}
    assert gone >= {"poverty_relief__households", "legal_person_register__fr_jbxx", "credit__xyjl"}
    assert late >= {"item_catalogue__standards", "channels__page_checks", "public_resources__deals"}


# ---- read as an outsider ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(made: Made) -> Iterator[dict[str, str]]:
    yield services.start(made.home)
    services.stop(made.home)


def _client(served: dict[str, str], kind: Kind) -> httpx.Client:
    name = services.NAMES[kind.prefix]
    client = httpx.Client(base_url=served[f"{name}_URL"], trust_env=False, timeout=60)
    known = {"client_id": served[f"{name}_CLIENT_ID"], "client_secret": served[f"{name}_CLIENT_SECRET"]}
    token = client.post("/token", json=known).raise_for_status().json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def _all_pages(client: httpx.Client, kind: Kind, size: int, **asked: Any) -> list[dict[str, Any]]:
    """Every row, page after page, in the interface's own words."""
    paging, rows, following = kind.paging, [], None
    for number in range(1, 10_000):
        asked |= {paging.size: size}
        if paging.by == "page":
            asked[paging.page] = number
        elif paging.by == "offset":
            asked[paging.page] = len(rows)
        elif following is not None:
            asked[paging.page] = following
        answer = client.get(kind.path, params=asked).raise_for_status()
        body = answer.json()
        found = body
        for name in filter(None, paging.rows.split(".")):
            found = found[name]
        rows += found
        if paging.by == "cursor":
            following = body["next_cursor"]
        elif paging.by == "link":
            following = answer.links["next"]["url"] if "next" in answer.links else None
            following = None if following is None else dict(httpx.URL(following).params)[paging.page]
        if not found or (paging.by in ("cursor", "link") and following is None):
            return rows
    raise AssertionError("the pages never end")


SERVED = [
    (kind, table)
    for kind in KINDS
    for table in _of(Served)
    if (table.file or table.full_name) == kind.file[:-8]
]


@pytest.mark.parametrize(("kind", "table"), SERVED, ids=[table.full_name for _, table in SERVED])
def test_a_service_hands_out_every_row_once_whatever_its_way_of_paging(
    made: Made, served: dict[str, str], kind: Kind, table: Table
) -> None:
    wanted = made.current(table)
    with closing(_client(served, kind)) as client:
        rows = _all_pages(client, kind, max(7, len(wanted) // 19))
    moments = {
        name
        for name, value in (rows[0] if rows else {}).items()
        if "T" in str(value) and name.endswith("_at")
    }
    moments |= {name for name in (wanted[0] if wanted else {}) if name.endswith("_at")}
    shown = [
        {
            name: None
            if value is None
            else _text(value).replace("T", " ")
            if name in moments
            else _text(value)
            for name, value in row.items()
        }
        for row in rows
    ]
    assert sorted(shown, key=str) == wanted


def test_every_service_file_has_an_interface() -> None:
    assert {table.full_name for _, table in SERVED} == {table.full_name for table in _of(Served)}


def test_a_window_of_time_is_inclusive_at_both_ends(made: Made, served: dict[str, str]) -> None:
    kind, table = next(pair for pair in SERVED if pair[1].full_name == "identity__login_days")
    times = sorted(row["updated_at"].replace(" ", "T") for row in made.current(table))
    low, high = times[len(times) // 3], times[len(times) // 2]
    with closing(_client(served, kind)) as client:
        rows = _all_pages(client, kind, 50, changed_from=low, changed_to=high)
        assert client.get(kind.path, params={"changed_to": "morgen"}).status_code == 400
    assert sorted(row["updated_at"] for row in rows) == [time for time in times if low <= time <= high]


def test_a_service_that_is_asked_too_much_says_when_to_come_again(served: dict[str, str]) -> None:
    kind, _ = next(pair for pair in SERVED if pair[0].per_second)
    with closing(_client(served, kind)) as client:
        answers = [client.get(kind.path, params={"limit": 1}) for _ in range(200)]
        refused = [answer for answer in answers if answer.status_code == 429]
        client.post("/misbehave", json={"busy": 1}).raise_for_status()
        again = client.get("/questions")
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert all(answer.headers["Retry-After"] == "1" for answer in [*refused, again])
    assert again.status_code == 429


@pytest.mark.parametrize("table", _of(InPostgres), ids=lambda table: table.full_name)
def test_the_exchange_database_shows_who_is_there_today(made: Made, table: Table) -> None:
    made.city.server.start()
    connection = duckdb.connect()
    from wangting.engine import load_extension

    load_extension(connection, "postgres_scanner")
    connection.execute(
        f"attach '{made.city.server.url('city_registers')}' as there (type postgres, read_only)"
    )
    found = _texts(connection.sql(f"from there.{table.source}.{table.name}"))
    connection.close()
    assert found == made.current(table)


@pytest.mark.parametrize("table", _of(InSqlite), ids=lambda table: table.full_name)
def test_an_offices_own_file_shows_who_is_there_today(made: Made, table: Table) -> None:
    with sqlite3.connect(made.home / "simulator" / table.source / f"{table.source}.db") as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute(f"select * from {table.name}")]
    assert sorted(rows, key=str) == made.current(table)


@pytest.mark.parametrize("table", _of(Dropped), ids=lambda table: table.full_name)
def test_the_dropped_files_together_hold_every_version(made: Made, table: Table) -> None:
    drop = next(
        each for system in KEPT if isinstance(system, Dropped) for each in system.drops if each.table is table
    )
    stem = drop.name.partition("{")[0]
    rows = []
    for file in (made.home / "simulator" / "drop" / table.source).glob(f"{stem}*"):
        rows += list(csv.DictReader(file.read_bytes().decode(drop.encoding).splitlines()))
    wanted = _texts(duckdb.sql(f"select * exclude (seen_at, gone_at) from {made.truth(table)}"))
    shown = [{name: value or None for name, value in row.items()} for row in rows]
    assert sorted(shown, key=str) == wanted


def test_a_person_who_is_merged_leaves_the_number_that_stays(made: Made) -> None:
    changes = next(table for table in TABLES if table.full_name == "population_register__changes")
    kinds = dict(
        duckdb.sql(f"select 变更类型, count(保留号码) from {made.truth(changes)} group by all").fetchall()
    )
    assert set(kinds) <= {"变更", "死亡", "迁出", "合并", "迁入"}
    assert all((count > 0) == (kind == "合并") for kind, count in kinds.items())


def test_a_merged_firm_is_gone_and_the_one_that_takes_it_grows(made: Made) -> None:
    persons, changes = (
        next(table for table in TABLES if table.name == name) for name in ("fr_jbxx", "fr_bgjl")
    )
    parties = duckdb.sql(
        f"select c.js, count(*) filter (p.gone_at is not null), count(distinct c.tyshxydm), count(distinct p.zczb_wy)"
        f" from {made.truth(changes)} c join {made.truth(persons)} p using (tyshxydm) where bglx = '合并' group by all"
    ).fetchall()
    for party, gone, firms, _ in parties:
        assert gone == (0 if party == "甲方" else firms), party
