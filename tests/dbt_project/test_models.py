"""The models' own unit tests, the calendar against another's, and what a failed build says."""

from datetime import date, timedelta
from itertools import pairwise

import duckdb
import pytest

from tests.dbt_project.landed import land
from tests.dbt_project.written import CITY_UNIT, Case, item, item_code, moment
from wangting import dbt_run, ledger
from wangting.build import build
from wangting.dbt_assembly import assemble, lane_file
from wangting.errors import WangtingError
from wangting.site import current_site

pytestmark = pytest.mark.timeout(600)
REFUSED = {
    "ywh": Case(day=3).no,
    "sxdm": item_code(CITY_UNIT),
    "sqrlb": "01",
    "sqsj": moment(3),
    "yslsj": moment(3, 10),
    "yslzt": "10",
    "slsj": moment(3, 11),
    "slzt": "20",
    "bslyy": "不符合法定受理条件",
    "gxsj": moment(3, 12),
}


@pytest.fixture(scope="module")
def built(house):
    """Both lanes, built from one case, and one that a bureau of its own took in and then refused."""
    land("item_catalogue", "items", [item(CITY_UNIT)])
    land("unified_platform", "ex_gdbs_sb", [Case().sb()])
    land("housing_bureau", "yw_sqb", [REFUSED])
    return [build("warehouse"), build("exchange")]


@pytest.mark.parametrize("lane", ["warehouse", "exchange"])
def test_the_unit_tests_of_the_models_pass(built, lane):
    folder = assemble(lane, current_site()).folder
    results = dbt_run.invoke(lane, folder, ["test", "--select", "test_type:unit"])
    assert results
    assert {result.node.name: result.message for result in results if str(result.status) != "pass"} == {}


def test_why_an_acceptance_was_refused_says_nothing_of_the_pre_acceptance_before_it(built):
    """Else the province would get the pre-acceptance anew whenever an acceptance is refused."""
    with duckdb.connect(str(lane_file("exchange")), read_only=True) as lane:
        looks = [
            lane.execute(f"select bslyy from {record} where case_no = ?", [REFUSED["ywh"]]).fetchall()
            for record in ("ex_gdbs_wsysl", "ex_gdbs_sl")
        ]
    assert looks == [[(None,)], [(REFUSED["bslyy"],)]]


def test_the_calendar_agrees_with_chinesecalendar_on_every_noticed_day(built):
    chinese_calendar = pytest.importorskip("chinese_calendar")
    with duckdb.connect(str(lane_file("warehouse", "marts")), read_only=True) as marts:
        days = marts.execute(
            "select date_on, is_working_day, is_assumed from dim_dates order by 1"
        ).fetchall()
    assert days[0][0] == date(2010, 1, 1)
    assert {day.year for day, _, is_assumed in days if is_assumed} == {2027}
    noticed = [(day, works) for day, works, is_assumed in days if not is_assumed]
    assert noticed[-1][0] == date(2026, 12, 31)
    assert [day for day, works in noticed if chinese_calendar.is_workday(day) != works] == []


def test_working_day_numbers_go_up_by_one_a_working_day(built):
    with duckdb.connect(str(lane_file("warehouse", "marts")), read_only=True) as marts:
        days = marts.execute(
            "select date_on, is_working_day, working_day_no from dim_dates order by 1"
        ).fetchall()
    for (before, _, number), (day, works, next_number) in pairwise(days):
        assert day - before == timedelta(days=1)
        assert next_number - number == int(works)


def test_all_of_the_plans_targets_are_there(built):
    with duckdb.connect(str(lane_file("warehouse")), read_only=True) as warehouse:
        counted = dict(
            warehouse.execute("select plan_code, count(*) from plan_targets group by 1").fetchall()
        )
        strict = warehouse.execute(
            "select distinct plan_code from plan_targets where comparator = '>'"
        ).fetchall()
    assert counted == {"CZ17": 27, "MZ17": 36, "QJ16": 21, "XX": 6, "CZ13": 6}
    assert strict == [("QJ16",)]


def test_a_failed_test_keeps_the_mark_and_names_the_rows(built, monkeypatch):
    def fail(lane, folder, arguments, manifest=None):
        raise WangtingError("检验 x 没有通过", place="models/x.sql", mend="更正后重跑")

    mark = ledger.rows(ledger.lanes.select())
    land("unified_platform", "ex_gdbs_sb", [Case().sb()])
    with monkeypatch.context() as patch:
        patch.setattr(dbt_run, "build", fail)
        with pytest.raises(WangtingError, match="没有通过"):
            build("exchange")
    assert ledger.rows(ledger.lanes.select()) == mark
    assert build("exchange").mode == "repeat"
    assert build("exchange").mode == "none"


def test_a_model_that_does_not_run_is_named_in_one_sentence(built, monkeypatch):
    land("unified_platform", "ex_gdbs_sb", [Case().sb()])
    from wangting import landing_views

    prepared = landing_views.prepare

    def spoil(*given, **named):
        prepared(*given, **named)
        with duckdb.connect(str(lane_file("exchange"))) as connection:
            connection.execute("drop view landing.unified_platform__ex_gdbs_sb")

    with monkeypatch.context() as patch:
        patch.setattr(landing_views, "prepare", spoil)
        with pytest.raises(WangtingError) as failed:
            build("exchange")
    assert "int_record_versions" in str(failed.value)  # the first that reads it
    assert "\n" not in str(failed.value)
    assert build("exchange").mode == "repeat"


def test_too_little_memory_is_said_with_the_setting_that_gives_more(built, monkeypatch):
    land("unified_platform", "ex_gdbs_sb", [Case().sb()])
    with monkeypatch.context() as patch:
        patch.setenv("WANGTING_MEMORY", "20MB")
        with pytest.raises(WangtingError, match=r"内存不足.*上限 20MB.*调大 WANGTING_MEMORY"):
            build("exchange", full=True)
    assert build("exchange").mode == "full"
