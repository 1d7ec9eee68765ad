"""What monitoring looks at, from the landing to the marts: in words and whose it is, moved by nothing but its own news,
and the same after regular builds as after full ones."""

from datetime import datetime, timedelta

import pytest

from tests.dbt_project import states
from tests.dbt_project.landed import land, land_deletes
from tests.dbt_project.test_deletes import rows
from tests.dbt_project.written import CITY_UNIT, Case, item
from wangting import clock, dbt_run, working_time
from wangting.build import build

pytestmark = pytest.mark.timeout(1800)
UNKNOWN = "NOBODY000"


def source(name, silent_since, **more):
    """How a source stands."""
    return {
        "name": name, "title": f"系统{name}", "owner": "某局", "system_title": "系统", "connector": "REST",
        "state": "ok", "tables": 2, "rows": 7, "deleted": 0, "remarks": 0, "last_rows_at": silent_since,
        "silent_since": silent_since, "silent_after_hours": 4,
    } | more  # fmt: skip


def open_record(n, standing="held", rule="", unit=CITY_UNIT, band="none", **more):
    """A count of open records."""
    return {
        "record": "EX_GDBS_SB", "source": "unified_platform", "unit_code": unit, "standing": standing, "code": "",
        "rule": rule, "is_backfill": False, "band": band, "record_title": "申办", "n": n, "rule_title": rule or None,
        "mend": f"整改{rule}" if rule else None, "first_due_at": None,
    } | more  # fmt: skip


def worst(number, due_at, unit=CITY_UNIT):
    """A record that is named."""
    return {
        "record": "EX_GDBS_SB", "record_key": f"key{number}", "version": 1, "case_no": f"key{number}",
        "source": "unified_platform", "unit_code": unit, "standing": "rejected", "code": "1", "rules": "",
        "is_backfill": False, "record_title": "申办", "due_at": due_at, "arrived_at": due_at,
    }  # fmt: skip


def stop_day(day, counts, unit=CITY_UNIT):
    """A business day at the stops: declared, landed, cut, acknowledged, read back."""
    names = ("declared", "landed", "cut", "acknowledged", "read_back")
    return {
        "day": day, "source": "unified_platform", "unit_code": unit, "record": "EX_GDBS_SB", "record_title": "申办",
        "stands_since": datetime(2017, 11, 30), **dict(zip(names, counts, strict=True)),
    }  # fmt: skip


def marts(query):
    return rows("warehouse", query, "marts")


@pytest.fixture(scope="module")
def built(house, tmp_path_factory):
    """After each step: what ran, what the boards say, and how a full build differs."""
    folder, seen = tmp_path_factory.mktemp("kept"), {}

    def step(name, later):
        clock.advance(later)
        before, ran = dbt_run.invoke, set()
        with pytest.MonkeyPatch.context() as patch:

            def noted(*arguments, **more):
                results = before(*arguments, **more)
                ran.update(str(result.node.name) for result in results)
                return results

            patch.setattr(dbt_run, "invoke", noted)
            mode = build("warehouse").mode
        told = {
            "open": sorted(
                marts("select standing_name, unit_name, band_name, record_count from board_open_records")
            ),
            "rules": sorted(marts("select rule_id, rule_mend, record_count, is_late from board_held_rules")),
            "worst": sorted(marts("select case_no, unit_code, hours_left, is_late from board_worst_records")),
            "stops": sorted(
                marts(
                    "select business_on, landed_beyond_declared_count, landed_not_cut_count,"
                    " cut_not_acknowledged_count, read_back_beyond_acknowledged_count, is_differing"
                    " from board_stop_days"
                )
            ),
            "alarms": sorted(marts("select alarm_name, alarm_text, unit_code from board_alarms")),
            "sources": sorted(
                marts("select source_name, state_name, silence_working_hours from board_sources")
            ),
            "units": marts("select county_code, unit_code from board_open_records where unit_name is null"),
        }
        differing = {} if mode == "full" else states.beside_a_full_build("warehouse", folder)
        seen[name] = {"mode": mode, "ran": ran, "now": clock.now(), "differing": differing} | told

    now, day = clock.now(), clock.today()
    case = Case(day=1)
    land("item_catalogue", "items", [item(CITY_UNIT)])
    land("unified_platform", "ex_gdbs_sb", [case.sb()])
    land(
        "watch", "source_standings",
        [source("unified_platform", now - timedelta(days=3)), source("credit", now, state="failed", error="读不到")],
    )  # fmt: skip
    land(
        "watch", "open_records",
        [
            open_record(5), open_record(3, rule="L1.order"), open_record(4, rule="N1.length", band="late"),
            open_record(2, "new", band="h02"), open_record(9, "sent", unit=UNKNOWN), open_record(8, "retry", unit=""),
        ],
    )  # fmt: skip
    land("watch", "worst_records", [worst(1, now - timedelta(hours=2)), worst(2, now + timedelta(hours=3))])
    land(
        "watch", "stop_days",
        [stop_day(day - timedelta(days=1), (5, 4, 4, 3, 4)), stop_day(day, (9, 4, 4, 1, 1)), stop_day(
            day - timedelta(days=2), (None, 2, 2, 0, 0))],
    )  # fmt: skip
    land(
        "watch", "open_alarms",
        [
            {"alarm_id": 1, "kind": "overdue", "source": "unified_platform", "unit_code": CITY_UNIT, "raised_at": now},
            {"alarm_id": 2, "kind": "unreconciled", "source": "", "unit_code": "", "text": "不一致", "raised_at": now},
        ],
    )  # fmt: skip
    step("first", timedelta(hours=1))
    land("watch", "open_records", [open_record(6)])
    land_deletes("watch", "open_records", [open_record(2, "new", band="h02")])
    land_deletes("watch", "worst_records", [worst(1, now)])
    land_deletes("watch", "open_alarms", [{"alarm_id": 1}])
    step("news", timedelta(hours=4))
    step("day", timedelta(days=1))
    return seen


@pytest.mark.parametrize("name", ["news", "day"])
def test_a_regular_build_leaves_what_a_full_one_does(built, name):
    assert built[name]["mode"] == "incremental"
    assert built[name]["differing"] == {}


def test_news_of_monitoring_moves_no_model_of_cases(built):
    ran = built["news"]["ran"]
    assert {"int_open_records_latest", "board_open_records", "board_worst_records", "board_sources"} <= ran
    # Those that read the moment, the twelve hours and what is counted of them, run with every build.
    of_cases = {name for name in ran if name.startswith(("fct_cases", "int_cases"))}
    assert not of_cases - states.OF_THE_RUN


def test_what_is_gone_in_the_ledger_is_gone_on_the_boards(built):
    first, news = built["first"], built["news"]
    name = next(unit for _, unit, _, n in first["open"] if n == 5)
    assert name
    assert ("校验未过", name, "6 不计时", 6) in news["open"] and ("校验未过", name, "6 不计时", 5) in first[
        "open"
    ]
    assert ("待发", name, "2 剩 1 至 2 小时", 2) in first["open"]
    assert not [row for row in news["open"] if row[0] == "待发"]
    assert first["rules"] == [("L1.order", "整改L1.order", 3, False), ("N1.length", "整改N1.length", 4, True)]
    assert [row[0] for row in news["worst"]] == ["key2"]
    assert [row[0] for row in news["alarms"]] == ["对账不一致"]


def test_what_has_no_known_department_belongs_to_no_county(built):
    assert sorted(built["first"]["units"], key=str) == [(None, UNKNOWN), (None, None)]


def test_time_left_and_silence_are_those_of_the_moment_of_the_build(built):
    since = built["first"]["now"] - timedelta(days=3, hours=1)
    for name in ("first", "news", "day"):
        seen = built[name]
        told = {source: (state, hours) for source, state, hours in seen["sources"]}
        assert told["unified_platform"] == (
            "沉默", pytest.approx(working_time.hours(since, seen["now"]), abs=0.001)
        )  # fmt: skip
        assert told["credit"][0] == "失败"
    assert [row[2:] for row in built["first"]["worst"]] == [(-3.0, True), (2.0, False)]
    assert [row[2:] for row in built["news"]["worst"]] == [(-2.0, True)]


def test_the_stops_differ_where_a_count_is_another_and_a_day_that_runs_is_not_declared_yet(built):
    today = built["first"]["now"].date()
    one, two = today - timedelta(days=1), today - timedelta(days=2)
    assert built["first"]["stops"] == [
        (two, None, 0, 2, 0, False), (one, -1, 0, 1, 1, True), (today, None, 0, 3, 0, False),
    ]  # fmt: skip
    assert built["day"]["stops"][2] == (today, -5, 0, 3, 0, True)
