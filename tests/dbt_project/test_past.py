"""The past stays what it was: figures as they were known, months that are frozen, departments of their own time."""

import shutil
from datetime import date, datetime, timedelta

import duckdb
import pytest

from tests.dbt_project.landed import land, land_deletes
from tests.dbt_project.test_random_histories import COUNTY_UNIT, move_a_department
from tests.dbt_project.written import CITY_UNIT, Case, item, item_code, moment
from wangting import clock, figures, frozen, items, ledger, past, publish, settings
from wangting.build import build
from wangting.errors import WangtingError

pytestmark = pytest.mark.timeout(1800)
PLATFORM = "unified_platform"
MOVED_ON = date(2017, 11, 15)


def volume(scope_kind="city", scope_code=None):
    """November's 业务量, of licences."""
    question = figures.Question("business_volume", "2017-11", scope_kind, scope_code)
    return int(figures.answer(question)["value"])


def by_county():
    """County → cases closed there in November, by the release that is open."""
    with duckdb.connect(str(publish.require_release()), read_only=True) as marts:
        return dict(
            marts.execute(
                "select coalesce(county_code, ''), count(*) from fct_cases where is_business_volume group by 1"
            ).fetchall()
        )


def closed(case, day):
    """The rows of a case that is applied for, accepted and closed."""
    return {"ex_gdbs_sb": [case.sb()], "ex_gdbs_sl": [case.sl(case.day)], "ex_gdbs_bj": [case.bj(day)]}


def land_all(*cases):
    """Land the rows of some cases, table by table."""
    for table in ("ex_gdbs_sb", "ex_gdbs_sl", "ex_gdbs_bj"):
        land(PLATFORM, table, [row for rows in cases for row in rows[table]])


@pytest.fixture(scope="module")
def story(house, tmp_path_factory):
    """November is built, frozen in December, and learns of late data, a deletion and a correction afterwards."""
    site = shutil.copytree(
        settings.REPOSITORY / "sites" / "chaozhou", tmp_path_factory.mktemp("site") / "city"
    )
    move_a_department(site, MOVED_ON)
    seen = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGTING_SITE", str(site))
        changed = item(
            CITY_UNIT, item_version=2, visit_limit=3, online_depth=2, valid_from=date(2017, 11, 10)
        )
        land(
            "item_catalogue",
            "items",
            [item(CITY_UNIT, valid_to=date(2017, 11, 10)), changed, item(COUNTY_UNIT), item(CITY_UNIT, 2)],
        )
        adjustment = {
            "adjustment_no": "调1",
            "adjustment_kind": "下放",
            "item_code": item_code(CITY_UNIT),
            "from_unit_code": CITY_UNIT,
            "to_unit_code": COUNTY_UNIT,
            "effective_on": date(2017, 11, 3),
            "updated_at": moment(1),
        }
        land("item_catalogue", "power_adjustments", [adjustment])
        joint = {
            "joint_code": "XT1",
            "joint_name": "协同",
            "lead_unit_code": CITY_UNIT,
            "is_cross_level": True,
        }
        land(
            "item_catalogue",
            "joint_items",
            [
                joint | {"item_code": item_code(unit), "joined_on": date(2017, 1, 1)}
                for unit in (CITY_UNIT, COUNTY_UNIT)
            ],
        )
        city = [closed(Case(day=day), 20) for day in (1, 2, 3, 4)]
        first, second = Case(COUNTY_UNIT, day=5), Case(COUNTY_UNIT, day=6)
        origin = city[0]["ex_gdbs_sb"][0]["sblsh"]
        passed_on = Case(COUNTY_UNIT, day=7, ysblsh=origin)
        land_all(*city, closed(first, 14), closed(second, 15), closed(passed_on, 16))
        seen["known at first"] = clock.now()
        build("warehouse")
        publish.publish()
        seen["first"] = {"volume": volume(), "unit": volume("unit", CITY_UNIT), "counties": by_county()}
        seen["catalogue"] = {day: items.as_of(day) for day in (date(2017, 11, 9), date(2017, 11, 10))}
        seen["changes"] = items.changes(date(2017, 11, 1), date(2017, 11, 30))
        with duckdb.connect(str(publish.require_release()), read_only=True) as marts:
            seen["powers"] = marts.execute(
                "select before_case_count, after_case_count, before_volume, after_volume, is_window_complete"
                " from fct_power_adjustments"
            ).fetchall()
            seen["joint"] = marts.execute(
                "select item_code, is_lead_units, volume, volume_once from dim_joint_items order by 1"
            ).fetchall()
        seen["too early"] = _refusal(lambda: frozen.freeze("2017-11"))
        clock.set_simulated(datetime(2017, 12, 5, 7, 30))
        seen["not built since"] = _refusal(lambda: frozen.freeze("2017-11"))
        build("warehouse")
        publish.publish()
        seen["due"] = {day: frozen.due(date(2017, 12, day)) for day in (1, 4, 5, 9)}
        seen["frozen"] = frozen.freeze()
        seen["unchanged"] = frozen.changes("2017-11")
        seen["due afterwards"] = frozen.due(date(2017, 12, 6))
        clock.advance(timedelta(days=1))
        land_all(closed(Case(day=8), 21))  # late
        land_deletes(PLATFORM, "ex_gdbs_bj", city[1]["ex_gdbs_bj"] + city[2]["ex_gdbs_bj"])
        build("warehouse")
        publish.publish()
        seen["last"] = {"volume": volume(), "unit": volume("unit", CITY_UNIT)}
        seen["again"] = frozen.freeze("2017-11")
        seen["later"] = frozen.changes("2017-11")
        with duckdb.connect(str(publish.require_release()), read_only=True) as marts:
            seen["beside"] = marts.execute(
                "select scope_kind, scope_code, frozen_numerator, present_numerator from frozen_figures"
                " where is_changed and metric_code = 'business_volume' and subject = 'licence' and period = '2017-11'"
                " and scope_kind in ('city', 'unit') order by all"
            ).fetchall()
        state = past.marts_as_of(seen["known at first"])
        with publish.reading(state.file):
            seen["as known"] = {
                "volume": volume(),
                "unit": volume("unit", CITY_UNIT),
                "counties": by_county(),
            }
        seen["asked again"] = past.marts_as_of(seen["known at first"]).is_new
        with publish.reading(past.marts_as_of(seen["known at first"], units_on=date(2017, 12, 1)).file):
            seen["restated"] = by_county()
        seen["ahead"] = _refusal(lambda: past.marts_as_of(datetime(2018, 1, 1)))
        seen["before anything"] = _refusal(lambda: past.marts_as_of(datetime(2017, 1, 1)))
        yield seen


def _refusal(call):
    with pytest.raises(WangtingError) as caught:
        call()
    return str(caught.value)


def test_a_figure_is_known_as_it_was_whatever_came_later(story):
    assert story["first"]["volume"] == 6 and story["first"]["unit"] == 4
    assert story["last"] == {"volume": 5, "unit": 3}
    assert story["as known"] == story["first"]


def test_the_same_question_about_the_past_is_answered_from_what_was_built_for_it(story):
    assert story["asked again"] is False
    assert "还没有到" in story["ahead"] and "还没有任何数据" in story["before anything"]


def test_a_past_period_reports_by_the_departments_of_its_time(story):
    assert story["first"]["counties"] == {"": 4, "445102000000": 1, "445103000000": 2}


def test_a_restated_period_reports_by_the_departments_of_the_day_that_is_asked_for(story):
    assert story["restated"] == {"": 4, "445103000000": 3}


def test_a_month_is_frozen_on_the_declared_working_day_and_not_before_it_is_over(story):
    assert story["due"] == {1: None, 4: None, 5: "2017-11", 9: "2017-11"}
    assert story["due afterwards"] is None
    assert "还没有结束" in story["too early"] and "2017-11-30" in story["not built since"]


def test_a_frozen_month_is_never_written_again(story):
    first, again = story["frozen"], story["again"]
    assert first.is_new and not again.is_new
    assert (again.sha256, again.frozen_at, again.release) == (first.sha256, first.frozen_at, first.release)
    assert len(ledger.rows(ledger.frozen_months.select())) == 1


def test_what_a_frozen_month_learns_later_is_listed_figure_by_figure(story):
    assert story["unchanged"] == []
    told = {
        (row["scope_kind"], row["frozen_numerator"], row["present_numerator"])
        for row in story["later"]
        if (row["metric_code"], row["subject"], row["period"]) == ("business_volume", "licence", "2017-11")
        and row["scope_kind"] in ("city", "unit")
    }
    assert told == {("city", 6, 5), ("unit", 4, 3)}
    assert story["beside"] == [("city", "445100000000", 6, 5), ("unit", CITY_UNIT, 4, 3)]


def test_a_frozen_file_that_somebody_changed_is_noticed(story):
    path = story["frozen"].path
    kept = path.read_bytes()
    path.chmod(0o600)
    try:
        path.write_bytes(kept + b"0")
        assert "被改动" in _refusal(lambda: frozen.changes("2017-11"))
    finally:
        path.write_bytes(kept)
    assert frozen.changes("2017-11") == story["later"]


def test_the_catalogue_is_told_as_of_any_day(story):
    for day, version in ((date(2017, 11, 9), 1), (date(2017, 11, 10), 2)):
        (found,) = [row for row in story["catalogue"][day] if row["item_code"] == item_code(CITY_UNIT)]
        assert found["item_version"] == version and len(story["catalogue"][day]) == 3


def test_what_changed_between_two_days_is_told_field_by_field(story):
    told = {
        (
            row["item_code"],
            row["changed_on"],
            row["field"],
            row["before_value"],
            row["after_value"],
            row["unit_code"],
        )
        for row in story["changes"]
    }
    one, day = item_code(CITY_UNIT), date(2017, 11, 10)
    assert told == {
        (one, day, "visit_limit", "1", "3", CITY_UNIT),
        (one, day, "online_depth", "3", "2", CITY_UNIT),
    }
    assert {row["change_kind"] for row in story["changes"]} == {"changed"}


def test_a_power_that_moves_is_shown_before_and_after(story):
    assert story["powers"] == [(2, 2, 2, 2, False)]


def test_a_case_that_is_passed_on_counts_once_in_its_joint_item(story):
    assert story["joint"] == sorted(
        [(item_code(CITY_UNIT), True, 4, 4), (item_code(COUNTY_UNIT), False, 3, 2)]
    )
