"""The city on its real parts: what the sources hold, and what the truth says of them, after each step of the clock."""

import itertools
import json
import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from openpyxl import load_workbook
from wording import SITE

from simulator import city as simulated
from simulator import workbooks
from simulator.city import City, Settings

SETTINGS = Settings(2_000, 5, 0.1)
HOURS = (1, 23, 24 * 6)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[dict[str, object]]]]:
    """A city brought up and advanced three times; the state of truth and sources after each step."""
    home = tmp_path_factory.mktemp("city")
    before = os.environ.get("WANGTING_HOME")
    os.environ["WANGTING_HOME"] = str(home)
    made = City(home, SITE, SETTINGS)
    try:
        made.create(lambda done, total, text: None)
        steps = [_state(made)]
        for hours in HOURS:
            state = simulated.remembered(home)
            assert state is not None
            since = datetime.fromisoformat(state["emitted_until"])
            again = City(home, SITE, SETTINGS)  # as a new process would
            again.advance(since, since + timedelta(hours=hours), date.fromisoformat(state["generated"]))
            steps.append(_state(again))
        yield home, steps
    finally:
        made.stop()
        if before is None:
            del os.environ["WANGTING_HOME"]
        else:
            os.environ["WANGTING_HOME"] = before


def _state(city: City) -> dict[str, object]:
    """Read back from the sources, aggregated on its own terms, and from the truth files."""
    con = city.connection
    true = city.folder / "truth"
    with city.server.attached(con):
        platform = {
            name: "unified_platform.public.ex_gdbs_" + name
            for name in ("sb", "sl", "bj", "bjsl", "lqdj", "spcl")
        }
        newest = {
            name: f"(select * from {table} qualify row_number() over (partition by sblsh order by version desc) = 1)"
            for name, table in platform.items()
        }
        counted = con.execute(f"""
            select sb.sbbmzzjgdm, sb.tjfs, count(*),
                count(*) filter (sl.slztdm = '1' and bj.bjsj is not null
                    and bj.bjjgdm in ('0', '1', '4', '5', '6', '7')),
                count(*) filter (sl.slztdm = '2'), count(bj.bjsj)
            from {newest["sb"]} sb left join {newest["sl"]} sl using (sblsh) left join {newest["bj"]} bj using (sblsh)
            group by 1, 2 order by 1, 2""").fetchall()
        bureau = con.execute(
            "select count(*), count(*) filter (slzt = '10' and bjsj is not null and bjjg <> '02'),"
            " count(*) filter (sqfs = '002') from housing_bureau.public.yw_sqb"
            # A few cases of the platform stand in the bureau's system too: that is one of the planted faults.
            " where ywh not in (select sblsh from unified_platform.public.ex_gdbs_sb)"
        ).fetchone()
        rows = {
            name: con.execute(f"select count(*), max(inserttime) from {table}").fetchone()
            for name, table in platform.items()
        }
    told = con.execute(f"""
        select unit_code, nullif(channel, 'unknown'), count(*), count(*) filter (is_business_volume),
            count(*) filter (acceptance_refused), count(closed_at)
        from read_parquet('{true}/cases_as_emitted.parquet') where source = 'unified_platform'
        group by 1, 2 order by 1, 2""").fetchall()
    told_bureau = con.execute(f"""
        select count(*), count(*) filter (is_business_volume), count(*) filter (is_applied_online)
        from read_parquet('{true}/cases_as_emitted.parquet') where source = 'housing_bureau'""").fetchone()
    return {
        "counted": [(u, c if c in ("0", "1", "8") else None, *rest) for u, c, *rest in counted],
        "told": told,
        "bureau": bureau,
        "told_bureau": told_bureau,
        "rows": rows,
        "records": con.execute(
            f"select * from read_parquet('{true}/records.parquet') order by all"
        ).fetchall(),
        "cases": con.execute(
            f"select * from read_parquet('{true}/cases_as_emitted.parquet') order by all"
        ).fetchall(),
        "happened": con.execute(
            f"select * from read_parquet('{true}/cases_as_happened.parquet') order by all"
        ).fetchall(),
        "until": json.loads((city.folder / "city.json").read_text("utf-8"))["emitted_until"],
    }


def _summed(rows: list[tuple[object, ...]]) -> dict[tuple[object, object], list[int]]:
    answer: dict[tuple[object, object], list[int]] = {}
    for unit, channel, *numbers in rows:
        have = answer.setdefault((unit, channel), [0] * len(numbers))
        answer[(unit, channel)] = [a + int(str(b)) for a, b in zip(have, numbers, strict=True)]
    return answer


def test_the_truth_of_the_platform_agrees_with_its_own_rows_at_each_step(history: tuple[Path, list]) -> None:  # type: ignore[type-arg]
    for step in history[1]:
        assert _summed(step["told"]) == _summed(step["counted"])


def test_the_truth_of_the_bureau_agrees_with_its_rows_changed_in_place(history: tuple[Path, list]) -> None:  # type: ignore[type-arg]
    for step in history[1]:
        assert step["told_bureau"] == step["bureau"]


def test_advancing_only_adds(history: tuple[Path, list]) -> None:  # type: ignore[type-arg]
    steps = history[1]
    for earlier, later in itertools.pairwise(steps):
        assert earlier["until"] < later["until"]
        for name in earlier["rows"]:
            assert earlier["rows"][name][0] <= later["rows"][name][0]
        emitted = {(row[0], row[1], row[4]) for row in earlier["records"]}
        assert emitted <= {(row[0], row[1], row[4]) for row in later["records"]}
    assert steps[0]["rows"]["sb"][0] < steps[-1]["rows"]["sb"][0]


def test_no_row_is_written_after_the_clock(history: tuple[Path, list]) -> None:  # type: ignore[type-arg]
    for step in history[1]:
        assert all(str(newest) <= step["until"].replace("T", " ") for _, newest in step["rows"].values())


def test_a_city_advanced_in_steps_is_the_city_worded_at_once(history: tuple[Path, list]) -> None:  # type: ignore[type-arg]
    from simulator import records, truth

    home, steps = history
    at_once = City(home, SITE, SETTINGS)
    until = datetime.fromisoformat(steps[-1]["until"])
    day, days = simulated.FIRST_DAY, []
    while day <= simulated.START.date():
        days.append(at_once.day(day))
        day += timedelta(days=1)
    days = at_once.settle(days, 0)
    while day <= until.date():
        days.append(at_once.day(day))
        day += timedelta(days=1)
    at_once.load(at_once.draw(days))
    moment = f"timestamp '{until}'"
    records.build(at_once.connection)
    truth.latest_views(at_once.connection, moment)
    for name, query in (
        ("records", truth.record_rows(moment)),
        ("cases", truth.case_rows("latest", moment)),
        ("happened", truth.case_rows("happened", moment)),
    ):
        rows = at_once.connection.execute(f"select * from ({query}) order by all").fetchall()
        assert rows == steps[-1][name]


def test_a_towns_file_has_its_title_its_merged_header_and_text_in_every_cell(
    history: tuple[Path, list],
) -> None:  # type: ignore[type-arg]
    files = sorted((history[0] / "simulator" / "drop" / "town_station").glob("*.xlsx"))
    assert files
    sheet = load_workbook(files[-1]).worksheets[0]
    assert str(sheet["A1"].value).endswith("便民服务中心办事登记表")
    assert "A1:S1" in {str(span) for span in sheet.merged_cells.ranges}
    assert [cell.value for cell in sheet[4]] == workbooks.COLUMNS
    cells = [cell for row in sheet.iter_rows(min_row=5) for cell in row if cell.value is not None]
    assert cells and all(isinstance(cell.value, str) for cell in cells)


def test_the_services_rows_carry_the_columns_of_the_contract(history: tuple[Path, list]) -> None:  # type: ignore[type-arg]
    emitted = history[0] / "simulator" / "emitted"
    for name, key in (("items", "item_code"), ("accounts", "account_id"), ("licences", "licence_no")):
        row = duckdb.execute(
            f"select count(*), count(distinct {key}), count(*) filter (updated_at is null)"
            f" from read_parquet('{emitted}/{name}.parquet')"
        ).fetchone()
        assert row is not None and row[0] > 0 and row[2] == 0
        assert name == "items" or row[0] == row[1]


def test_the_platform_declares_what_it_produced_but_for_the_counts_that_are_wrong_on_purpose(
    history: tuple[Path, list[dict[str, object]]],
) -> None:
    from simulator import declared_counts

    home, _ = history
    true = home / "simulator" / "truth"
    with duckdb.connect() as con:
        wrong = con.execute(f"""
            select distinct record, day(day), declared - produced
            from read_parquet('{true / "declared.parquet"}') where declared <> produced
        """).fetchall()
        assert wrong and {(record, by) for record, _, by in wrong} == {
            (declared_counts.WRONG_RECORD, declared_counts.WRONG_BY)
        }
        assert {day for _, day, _ in wrong} <= set(declared_counts.WRONG_DAYS)
        # Counted again from the other truth; without a business time a record counts on the day of its writing.
        counted = con.execute(f"""
            select day, record, sum(produced) as n from (
                select day, record, produced from read_parquet('{true / "declared.parquet"}')
                union all
                select cast(business_time as date), record, -1 from read_parquet('{true / "records.parquet"}')
                where is_latest and source = 'unified_platform' and business_time >= '{declared_counts.FROM}'
            ) group by all having n <> 0
        """).fetchall()
        without = con.execute(f"""
            select count(*) from read_parquet('{true / "records.parquet"}')
            where is_latest and source = 'unified_platform' and business_time is null
        """).fetchone()
    assert without is not None
    assert sum(n for _, _, n in counted) <= without[0] and all(n > 0 for _, _, n in counted)
