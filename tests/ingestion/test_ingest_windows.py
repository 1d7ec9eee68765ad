"""Windows: a cursor is the source's own idea of the time, and yet nothing is lost, doubled or kept waiting."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import ingestion
from ingestion.backfill import backfill
from tests.ingestion.test_ingest_deletes import Bureau
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
    lag: 30 minutes
    columns: {nr: string, note: string, happened: date, changed: timestamp}
"""


@pytest.fixture
def bureau(city: Any, tmp_path: Path) -> Bureau:
    return Bureau(city, tmp_path / "bureau.sqlite", SOURCE)


def test_a_cursor_in_the_far_future_is_landed_told_of_and_hides_nothing(bureau: Bureau) -> None:
    bureau.put("c1")
    ingestion.pull_table("bureau", "cases")
    bureau.put("typo", changed="2107-12-01 08:00:00")
    bureau.city.at("2017-12-01 08:10")
    result = ingestion.pull_table("bureau", "cases")
    assert result.rows == 1 and "比抽取时刻晚一天以上（最晚 2107-12-01）" in result.warnings[0]
    [ahead] = bureau.city.remarks(kind="ahead")
    assert (ahead["column_name"], ahead["rows"]) == ("changed", 1)
    for minute in (20, 30, 40, 50):
        bureau.put(f"later{minute}", changed=f"2017-12-01 08:{minute - 5}:00")
        bureau.city.at(f"2017-12-01 08:{minute}")
        assert ingestion.pull_table("bureau", "cases").rows == 1
    bureau.city.at("2017-12-03 08:00")
    assert ingestion.pull_table("bureau", "cases").rows == 0
    assert len(bureau.city.landed("bureau", "cases")) == 6
    bureau.put("typo", "mended", changed="2017-12-03 08:05:00")
    bureau.city.at("2017-12-03 08:10")
    assert ingestion.pull_table("bureau", "cases").rows == 1


def test_a_first_pull_meets_a_cursor_in_the_far_future_as_well(bureau: Bureau) -> None:
    bureau.put("c1")
    bureau.put("typo", changed="9999-12-31 00:00:00")
    assert ingestion.pull_table("bureau", "cases").rows == 2
    bureau.city.at("2017-12-01 09:00")
    assert ingestion.pull_table("bureau", "cases").rows == 0


EVENT = st.tuples(
    st.integers(0, 6),  # which row
    st.integers(-29, 20),  # minutes between the cursor and the moment at which the row can be seen
    st.integers(0, 25),  # minutes until the next thing
    st.booleans(),  # a pull then
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(events=st.lists(EVENT, min_size=2, max_size=15))
def test_inside_lag_and_skew_every_version_lands_once(
    city: Any, tmp_path: Path, events: list[tuple[int, int, int, bool]]
) -> None:
    """Rows are committed up to a lag late and by a clock up to twenty minutes fast, several at the very same cursor."""
    ledger.forget()
    for file in (city.home / name for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm")):
        file.unlink(missing_ok=True)
    for file in city.visible():
        file.unlink()
    bureau = Bureau(city, tmp_path / "b.sqlite", SOURCE)
    city.at("2017-12-01 08:00")
    written: set[tuple[str, str]] = set()
    shown: dict[str, tuple[str, str]] = {}
    for number, (row, skew, wait, is_pulled) in enumerate(events):
        nr = f"c{row}"
        # A row rewritten before anybody looked is seen as it is then: that is all a source can say.
        bureau.put(nr, str(number), changed=f"{clock.now() + timedelta(minutes=skew):%Y-%m-%d %H:%M:%S}")
        shown[nr] = (nr, str(number))
        clock.advance(timedelta(minutes=wait))
        if is_pulled:
            ingestion.pull_table("bureau", "cases")
            written |= {
                version
                for name, version in shown.items()
                if bureau.run("SELECT changed <= ? FROM cases WHERE nr = ?", str(clock.now()), name)[0][0]
            }
    clock.advance(timedelta(hours=1))
    ingestion.pull_table("bureau", "cases")
    landed = [(row["nr"], row["note"]) for row in city.landed("bureau", "cases")]
    assert len(landed) == len(set(landed))
    assert set(landed) == written | set(shown.values())


def _many(bureau: Bureau, days: int) -> None:
    for number in range(days):
        at = datetime(2017, 6, 1) + timedelta(days=number)
        bureau.put(f"d{number}", changed=f"{at:%Y-%m-%d} 00:00:00")


def test_a_backfill_lands_a_span_window_by_window_and_moves_no_pulls_beginning(bureau: Bureau) -> None:
    ingestion.pull_table("bureau", "cases")
    _many(bureau, 150)  # long before the last pull: no window will ever see them
    bureau.city.at("2017-12-01 09:00")
    assert ingestion.pull_table("bureau", "cases").rows == 0
    told: list[str] = []
    [result] = backfill(
        ["bureau"],
        datetime(2017, 6, 1),
        datetime(2017, 9, 30),
        told=lambda number, total, text: told.append(text),
    )
    assert result.rows == 122 and len(told) == 5
    loads = bureau.city.loads(kind="backfill", state="committed")
    assert len(loads) == 5 and sum(row["rows"] for row in loads) == 122
    bureau.put("new", changed="2017-12-01 08:59:00")
    bureau.city.at("2017-12-01 09:10")
    assert ingestion.pull_table("bureau", "cases").rows == 1
    assert backfill(["bureau"], datetime(2017, 6, 1), datetime(2017, 9, 30))[0].rows == 0
    assert len(bureau.city.landed("bureau", "cases")) == 123


def test_a_backfill_that_was_killed_goes_on_where_it_stopped(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingestion import pulling

    ingestion.pull_table("bureau", "cases")
    _many(bureau, 150)
    finish, left = pulling.windows.finish, [2]

    def dying(*given: Any, **named: Any) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        finish(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(pulling.windows, "finish", dying)
        with pytest.raises(KeyboardInterrupt):
            backfill(["bureau"], datetime(2017, 6, 1), datetime(2017, 10, 28))
    told: list[str] = []
    [result] = backfill(
        ["bureau"], datetime(2017, 6, 1), datetime(2017, 10, 28), told=lambda *step: told.append(step[2])
    )
    assert len(told) == 3 and told[0].startswith("bureau.cases 2017-07-31")
    rows = bureau.city.landed("bureau", "cases")
    assert len(rows) == 150 == len({row["nr"] for row in rows}) and result.rows > 0
    [about] = ledger.rows(ledger.backfills.select())
    assert about["ended_at"] is not None


def test_the_command_words_what_cannot_be(bureau: Bureau) -> None:
    from ingestion import commands

    app = typer.Typer()
    app.command()(commands.pull)
    _many(bureau, 40)
    done = CliRunner().invoke(app, ["bureau", "--since", "2017-06-01", "--until", "2017-06-30", "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)[0]["rows"] == 30
    for wrong, said in (
        (["--until", "2017-06-30"], "只给了终点"),
        (["--since", "soon"], "「soon」不是时间"),
        (["--since", "2017-06-02", "--until", "2017-06-01"], "起点晚于终点"),
        (["--since", "2017-06-02", "--full"], "不能同时用"),
    ):
        failed = CliRunner().invoke(app, wrong)
        assert isinstance(failed.exception, WangtingError) and said in str(failed.exception)
