"""A history of loads, taken in bit by bit: after each step what counts is right, and in the end it all equals a full
rebuild, table by table."""

import subprocess
import sys
from datetime import datetime, timedelta

import duckdb
import pytest

from tests.dbt_project import states
from tests.dbt_project.landed import land
from tests.dbt_project.written import CITY_UNIT, COUNTY_UNIT, Case, item, moment
from wangting import clock, ledger, settings
from wangting.build import build
from wangting.dbt_assembly import lane_file

pytestmark = pytest.mark.timeout(600)
PLATFORM = "unified_platform"
LANES = ("exchange", "warehouse")


def rows(lane, query, file=None):
    """What a query says of a lane's file."""
    with duckdb.connect(str(lane_file(lane, file)), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def history(house):
    """Four steps, each built in both lanes; what was seen after each."""
    seen = {}
    plain, corrected, late, town = (Case(day=day) for day in (1, 2, 3, 4))
    orphan, chained = Case(day=5), Case(COUNTY_UNIT, day=6)
    twice = Case(day=7)
    home = "housing_bureau"
    at_home = {
        "ywh": Case(CITY_UNIT, 8).no,
        "sxdm": "x",
        "sqrlb": "01",
        "sqfs": "002",
        "sqsj": moment(8),
        "bmdm": CITY_UNIT,
    }

    moved = Case(day=10)
    nameless = {"sblsh": None}

    land("item_catalogue", "items", [item(CITY_UNIT), item(COUNTY_UNIT), item(CITY_UNIT, item_code=None)])
    land(PLATFORM, "ex_gdbs_sb", [plain.sb(), corrected.sb(tjfs="0"), twice.sb(), twice.sb(), moved.sb()])
    land(PLATFORM, "ex_gdbs_sb", [plain.sb() | nameless, plain.sb() | nameless | {"tjfs": "0"}])
    land(PLATFORM, "ex_gdbs_sl", [plain.sl(2), corrected.sl(3), orphan.sl(6)])
    land(PLATFORM, "ex_gdbs_bj", [plain.bj(9)])
    land(home, "yw_sqb", [at_home | {"zjlb": "01", "gxsj": moment(8)}])
    land("town_station", "register", [_town(town, "2017-11-04"), _town(town, "2017-11-04")])
    land("town_station", "register", [_town(town, "2017-11-04", 受理编号="  ")])
    seen["first"] = [build(lane) for lane in LANES]

    _later(hours=24)
    # A correction, a late stage, the orphan's application, a row filled in at its source, a later workbook.
    land(
        PLATFORM,
        "ex_gdbs_sb",
        [corrected.sb(version=2, inserttime=moment(10)), orphan.sb(), late.sb(), chained.sb()],
    )
    land(PLATFORM, "ex_gdbs_sb", [plain.sb() | nameless | {"version": 2}])
    elsewhere = {"sxbm": chained.sb()["sxbm"], "sbbmzzjgdm": COUNTY_UNIT, "version": 2}
    land(PLATFORM, "ex_gdbs_sb", [moved.sb(inserttime=moment(11)) | elsewhere])
    land(PLATFORM, "ex_gdbs_spcl", [plain.spcl(1, 3), plain.spcl(2, 3, 9), plain.spcl(3, 4)])
    again = moment(3, 10) + timedelta(milliseconds=7)
    land(
        PLATFORM, "ex_gdbs_spcl", [plain.spcl(1, 3, spsj=again, spyj="同意办理", version=2, inserttime=again)]
    )
    land(PLATFORM, "ex_gdbs_bj", [plain.bj(9, "0", version=2, inserttime=moment(11)), corrected.bj(10)])
    land(home, "yw_sqb", [at_home | {"zjlb": "01", "slzt": "10", "slsj": moment(9), "gxsj": moment(9)}])
    land(
        "town_station", "register", [_town(town, "2017-11-05", 办结日期="2017-11-05 15:02", 办结结果="办结")]
    )
    seen["second"] = [build(lane) for lane in LANES]

    _later(hours=24)
    # An older version comes after the newer one; the catalogue repeats itself, but for one item's new version.
    land(PLATFORM, "ex_gdbs_sb", [corrected.sb(tjfs="8")])
    land(
        "item_catalogue",
        "items",
        [
            item(CITY_UNIT),
            item(COUNTY_UNIT, valid_to=datetime(2017, 11, 1).date(), updated_at=moment(12)),
            item(
                COUNTY_UNIT,
                item_version=2,
                visit_limit=3,
                valid_from=datetime(2017, 11, 1).date(),
                updated_at=moment(12),
            ),
        ],
    )
    seen["third"] = [build(lane) for lane in LANES]
    seen["touched by the catalogue"] = rows("warehouse", "select case_no from int_touched_cases")

    _later(hours=24)
    land(PLATFORM, "ex_gdbs_lqdj", [plain.lqdj(20, "8"), late.lqdj(21)])
    seen["fourth"] = [build(lane) for lane in LANES]
    seen["idle"] = [build(lane) for lane in LANES]
    return {
        "cases": (plain, corrected, late, town, orphan, chained, twice),
        "moved": moved,
        "seen": seen,
        "home": at_home["ywh"],
    }


def _later(hours):
    clock.advance(timedelta(hours=hours))


def _town(case, file_date, **more):
    first = {
        "受理编号": case.no,
        "申请日期": "2017-11-04",
        "申请时间": "09:31",
        "办理方式": "窗口",
        "受理结果": "受理",
    }
    lineage = {
        "_file": f"{file_date}.xlsx",
        "_file_row": 5,
        "_file_date": datetime.fromisoformat(file_date).date(),
    }
    return first | {"受理日期": "2017-11-04 09:40"} | lineage | more


def test_the_first_build_is_full_and_the_next_ones_are_not(history):
    modes = {
        step: [summary.mode for summary in history["seen"][step]] for step in ("first", "second", "idle")
    }
    assert modes == {"first": ["full"] * 2, "second": ["incremental"] * 2, "idle": ["none"] * 2}


def test_the_later_version_counts_whatever_comes_last(history):
    corrected = history["cases"][1]
    assert rows(
        "exchange", f"select tjfs, source_written_at from ex_gdbs_sb where case_no = '{corrected.no}'"
    ) == [("1", moment(10))]


def test_two_steps_that_differ_below_the_second_are_one_record_and_the_later_counts(history):
    plain = history["cases"][0]
    steps = f"select sphjdm, spyj from ex_gdbs_spcl where case_no = '{plain.no}' order by 1"
    assert rows("exchange", steps) == [("1", "同意办理"), ("2", "同意"), ("3", "同意")]


def test_a_row_without_a_case_number_is_no_case_and_stops_nothing(history):
    for lane, table in (("exchange", "ex_gdbs_sb"), ("exchange", "int_cases_accumulated")):
        assert rows(lane, f"select count(*) from {table} where coalesce(trim(case_no), '') = ''") == [(0,)]


def test_a_case_that_moves_to_another_units_item_counts_there(history):
    found = rows(
        "warehouse", f"select unit_code from fct_cases where case_no = '{history['moved'].no}'", "marts"
    )
    assert found == [(COUNTY_UNIT,)]


def test_a_row_that_came_twice_in_one_load_is_one(history):
    twice = history["cases"][6]
    assert rows("exchange", f"select count(*) from ex_gdbs_sb where case_no = '{twice.no}'") == [(1,)]


def test_an_application_that_comes_late_makes_the_orphan_a_case(history):
    orphan = history["cases"][4]
    assert rows("warehouse", f"select count(*) from fct_cases where case_no = '{orphan.no}'", "marts") == [
        (1,)
    ]
    assert rows("exchange", f"select ctx_has_application from ex_gdbs_sl where case_no = '{orphan.no}'") == [
        (True,)
    ]


def test_the_latest_workbook_fills_in_the_rest_of_the_case(history):
    town = history["cases"][3]
    assert rows(
        "warehouse",
        "select channel_code, applied_at, closing_result, is_business_volume from fct_cases"
        f" where case_no = '{town.no}'",
        "marts",
    ) == [("0", datetime(2017, 11, 4, 9, 31), "6", True)]


def test_a_row_filled_in_at_its_source_brings_the_next_stage(history):
    found = rows("exchange", f"select slztdm, slsj from ex_gdbs_sl where case_no = '{history['home']}'")
    assert found == [("1", moment(9))]


def test_a_catalogue_that_repeats_itself_touches_only_the_cases_of_what_changed(history):
    _, corrected, *_, chained, _ = history["cases"]
    of_the_item = [(chained.no,), (history["moved"].no,)]
    assert sorted(history["seen"]["touched by the catalogue"]) == sorted([(corrected.no,), *of_the_item])
    found = rows(
        "warehouse",
        f"select item_version, is_full_online_declared from fct_cases where case_no = '{chained.no}'",
        "marts",
    )
    assert found == [(2, False)]


def test_the_exchange_records_carry_the_context_of_other_stages(history):
    plain = history["cases"][0]
    assert rows(
        "exchange",
        f"select ctx_has_approval_step, ctx_accepted_at from ex_gdbs_bj where case_no = '{plain.no}'",
    ) == [(True, moment(2))]


@pytest.mark.parametrize("lane", LANES)
def test_a_full_rebuild_equals_what_the_steps_left(history, lane, tmp_path):
    assert states.beside_a_full_build(lane, tmp_path / lane) == {}


def test_nothing_new_ends_before_dbt_is_imported(history):
    command = (
        "import sys; from wangting.build import build; print(build('warehouse').mode, 'dbt' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True, cwd=settings.REPOSITORY
    )
    assert done.stdout.split() == ["none", "False"]


def test_every_build_stands_in_the_ledger(history):
    found = ledger.rows(ledger.builds.select().where(ledger.builds.c.lane == "exchange"))
    assert {row["state"] for row in found} == {"passed"}
    assert [row["mode"] for row in found][:4] == ["full", "incremental", "incremental", "incremental"]
