"""Rows that are gone at the source land as rows that say so, whichever way they are found; a fault of the source marks
nothing."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ingestion
from wangting import clock, ledger
from wangting.errors import WangtingError

SOURCE = """
connect: sqlite
url: ${BUREAU_FILE}
tables:
  cases:
    title: 办件
    key: [nr]
    cursor: changed
    lag: 10 minutes
    deletes: {deletes}
    columns: {nr: string, note: string, happened: date, changed: timestamp}
"""
WAYS = {
    "keys": "{by: keys, every: 1 hour, limit: 0.5}",
    "counts": "{by: counts, day: happened, every: 1 hour, limit: 0.5}",
}
SNAPSHOT = """
connect: sqlite
url: ${BUREAU_FILE}
tables:
  cases:
    title: 办件
    key: [nr]
    deletes: {by: snapshot, limit: 0.5}
    columns: {nr: string, note: string, happened: date, changed: timestamp}
"""


class Bureau:
    """A department's system in a file, connected."""

    def __init__(self, city: Any, file: Path, declared: str) -> None:
        self.city, self.file = city, file
        city.declare("bureau", declared)
        city.set("BUREAU_FILE", str(file))
        file.unlink(missing_ok=True)
        self.run("CREATE TABLE cases (nr TEXT, note TEXT, happened TEXT, changed TEXT)")

    def run(self, sql: str, *given: Any) -> list[Any]:
        with sqlite3.connect(self.file) as connection:
            return connection.execute(sql, given).fetchall()

    def put(self, nr: str, note: str = "", day: int = 1, changed: str = "2017-12-01 07:00:00") -> None:
        self.run("DELETE FROM cases WHERE nr = ?", nr)
        self.run("INSERT INTO cases VALUES (?, ?, ?, ?)", nr, note, f"2017-11-{day:02d}", changed)

    def drop(self, *numbers: str) -> None:
        for nr in numbers:
            self.run("DELETE FROM cases WHERE nr = ?", nr)

    def there(self) -> dict[str, str]:
        return dict(self.run("SELECT nr, note FROM cases"))

    def standing(self) -> dict[str, str]:
        return {nr: row["note"] for nr, row in self.city.standing("bureau", "cases", "nr").items()}


def declared(way: str) -> str:
    return SNAPSHOT if way == "snapshot" else SOURCE.replace("{deletes}", WAYS[way])


@pytest.fixture(params=["keys", "counts", "snapshot"])
def bureau(request: Any, city: Any, tmp_path: Path) -> Bureau:
    made = Bureau(city, tmp_path / "bureau.sqlite", declared(request.param))
    for number in range(1, 11):
        made.put(f"c{number}", "first", day=number % 3 + 1)
    return made


def test_a_row_that_is_gone_lands_with_its_key_and_nothing_else(bureau: Bureau) -> None:
    assert ingestion.pull_table("bureau", "cases").rows == 10
    bureau.drop("c3")
    bureau.city.at("2017-12-01 10:00")
    result = ingestion.pull_table("bureau", "cases")
    assert (result.state, result.rows, result.deleted) == ("committed", 1, 1)
    [gone] = [row for row in bureau.city.landed("bureau", "cases") if row["_is_deleted"]]
    assert (
        gone["nr"] == "c3"
        and gone["note"] is gone["happened"] is gone["changed"] is gone["_row_hash"] is None
    )
    assert gone["_loaded_at"] == datetime(2017, 12, 1, 10) and gone["_source"] == "bureau"
    assert bureau.standing() == bureau.there()
    [load] = bureau.city.loads(load_id=gone["_load_id"])
    assert load["deleted"] == 1
    bureau.city.at("2017-12-01 12:00")
    assert ingestion.pull_table("bureau", "cases").state == "empty"


def test_a_row_that_comes_back_as_it_was_lands_again(bureau: Bureau) -> None:
    ingestion.pull_table("bureau", "cases")
    for hour in (10, 14):
        bureau.drop("c3")
        bureau.city.at(f"2017-12-01 {hour}:00")
        ingestion.pull_table("bureau", "cases")
        assert "c3" not in bureau.standing()
        bureau.put("c3", "first", day=1)
        bureau.city.at(f"2017-12-01 {hour + 2}:00")
        assert ingestion.pull_table("bureau", "cases").rows == 1
        assert bureau.standing() == bureau.there()


def test_more_gone_than_the_limit_allows_is_told_and_marks_nothing(bureau: Bureau) -> None:
    ingestion.pull_table("bureau", "cases")
    bureau.drop(*(f"c{number}" for number in range(1, 7)))
    bureau.city.at("2017-12-01 10:00")
    with pytest.raises(
        WangtingError, match=r"来源少了 6 行（已落地 10 行），超过 limit 50%.*调高 deletes.limit"
    ) as told:
        ingestion.pull_table("bureau", "cases")
    assert "bureau.cases" in str(told.value)
    assert len(bureau.standing()) == 10
    [refused] = bureau.city.remarks(kind="refused")
    assert (refused["rows"], refused["wanted"]) == (6, 0.5)
    from ingestion.overview import overview

    [system] = [one for one in overview() if one["source"] == "bureau"]
    assert system["state"] == "failed" and "来源少了 6 行" in system["error"]
    bureau.put("c1", "first")
    bureau.city.at("2017-12-01 10:10")
    assert (
        ingestion.pull_table("bureau", "cases").deleted == 5
    )  # asked again at once, and no more than the limit
    assert bureau.standing() == bureau.there()


def test_an_empty_answer_is_a_fault_of_the_source(bureau: Bureau) -> None:
    ingestion.pull_table("bureau", "cases")
    bureau.run("DELETE FROM cases")
    bureau.city.at("2017-12-01 10:00")
    with pytest.raises(WangtingError, match="来源少了 10 行"):
        ingestion.pull_table("bureau", "cases")
    assert len(bureau.standing()) == 10


@pytest.mark.parametrize("way", ["keys", "counts"])
def test_a_comparison_has_its_own_pace_and_lands_what_no_window_saw(
    city: Any, tmp_path: Path, way: str
) -> None:
    bureau = Bureau(city, tmp_path / "b.sqlite", declared(way))
    for number in range(5):
        bureau.put(f"c{number}")
    ingestion.pull_table("bureau", "cases")
    city.at("2017-12-01 08:30")
    ingestion.pull_table("bureau", "cases")
    bureau.put("late", "committed an hour late", changed="2017-12-01 07:30:00")
    bureau.put("ahead", "its time comes", changed="2017-12-01 09:30:00")
    bureau.drop("c1")
    city.at("2017-12-01 08:50")
    assert ingestion.pull_table("bureau", "cases").rows == 0
    city.at("2017-12-01 09:10")
    result = ingestion.pull_table("bureau", "cases")
    assert (result.rows, result.deleted) == (2, 1)
    assert bureau.standing().keys() == {"c0", "c2", "c3", "c4", "late"}
    [late] = city.remarks(kind="late")
    assert late["rows"] == 1
    [compared] = ledger.rows(ledger.comparisons.select())
    assert (compared["gone"], compared["missed"], compared["compared_at"]) == (
        1,
        1,
        datetime(2017, 12, 1, 9, 10),
    )


def test_a_row_that_moved_to_another_day_is_not_gone(city: Any, tmp_path: Path) -> None:
    bureau = Bureau(city, tmp_path / "b.sqlite", declared("counts"))
    for number in range(6):
        bureau.put(f"c{number}", day=number % 2 + 1)
    ingestion.pull_table("bureau", "cases")
    city.at("2017-12-01 10:00")
    # One goes, one takes its place on that day: the numbers of day 1 agree, those of day 2 do not.
    bureau.drop("c0")
    bureau.run("UPDATE cases SET happened = '2017-11-01' WHERE nr = 'c1'")
    result = ingestion.pull_table("bureau", "cases")
    assert result.deleted == 0 and "c1" in bureau.standing()


def test_a_table_whose_deletes_nobody_looks_for_is_asked_once(city: Any, tmp_path: Path) -> None:
    bureau = Bureau(city, tmp_path / "b.sqlite", declared("keys").replace("    deletes:", "    # deletes:"))
    bureau.put("c1")
    ingestion.pull_table("bureau", "cases", full=True)
    assert ledger.rows(ledger.comparisons.select()) == []
    assert [row["kind"] for row in city.loads()] == [None]


STEP = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 5), st.sampled_from("ab"), st.integers(1, 3)),
    st.tuples(st.just("late"), st.integers(0, 5), st.sampled_from("ab"), st.integers(1, 3)),
    st.tuples(st.just("drop"), st.integers(0, 5)),
    st.tuples(st.just("pull"), st.integers(1, 90)),
)


@pytest.mark.parametrize("way", ["keys", "counts", "snapshot"])
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(steps=st.lists(STEP, min_size=3, max_size=14))
def test_whatever_happens_at_the_source_the_landing_follows(
    city: Any, tmp_path: Path, way: str, steps: list[tuple[Any, ...]]
) -> None:
    """Rows come, change, go, come back, are committed late; after a comparison what stands is what is there."""
    for file in (
        city.home / "ledger.sqlite",
        city.home / "ledger.sqlite-wal",
        city.home / "ledger.sqlite-shm",
    ):
        ledger.forget()
        file.unlink(missing_ok=True)
    for file in city.visible():
        file.unlink()
    bureau = Bureau(city, tmp_path / "b.sqlite", declared(way).replace("0.5", "1"))
    city.at("2017-12-01 08:00")

    def pull() -> None:
        ingestion.pull_table("bureau", "cases", full=True)

    for step in steps:
        if step[0] in ("put", "late"):
            moment = clock.now() - timedelta(hours=3 if step[0] == "late" else 0)
            bureau.put(f"c{step[1]}", step[2], step[3], f"{moment:%Y-%m-%d %H:%M:%S}")
        elif step[0] == "drop":
            bureau.drop(f"c{step[1]}")
        else:
            clock.advance(timedelta(minutes=step[1]))
            ingestion.pull_table("bureau", "cases")
    clock.advance(timedelta(hours=2))
    pull()
    assert bureau.standing() == bureau.there()
    rows = city.landed("bureau", "cases")
    assert len({(row["_load_id"], row["nr"]) for row in rows}) == len(rows)
    before = len(rows)
    clock.advance(timedelta(hours=2))
    pull()
    assert len(city.landed("bureau", "cases")) == before
