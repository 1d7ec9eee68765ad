"""Rows that are gone at their source: what counted because of them counts no longer, and a regular build leaves the
very state of a full one, also where something older, another system or a neighbour is concerned."""

from datetime import timedelta

import duckdb
import pytest

from ingestion.compaction import compact
from tests.dbt_project import states
from tests.dbt_project.landed import land, land_deletes
from tests.dbt_project.written import CITY_UNIT, COUNTY_UNIT, Case, item, item_code, moment
from wangting import clock
from wangting.build import build
from wangting.dbt_assembly import lane_file

pytestmark = pytest.mark.timeout(900)
PLATFORM, BUREAU = "unified_platform", "housing_bureau"
LANES = ("exchange", "warehouse")
PERSON = "445102198001010015"


def rows(lane, query, file=None):
    """What a query says of a lane's file."""
    with duckdb.connect(str(lane_file(lane, file)), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def deleted(house, tmp_path_factory):
    """Three steps: all is there; much is deleted; some of it comes back. After each: the difference to a full build."""
    folder, seen = tmp_path_factory.mktemp("kept"), {}

    def step(name):
        modes, loads, differing, found = [], [], {}, {}
        for lane in LANES:
            summary = build(lane)
            modes.append(summary.mode)
            loads.append(summary.new_loads)
            found |= _seen(lane)
            if name != "first":
                differing |= states.beside_a_full_build(lane, folder / lane)
        seen[name] = {"modes": modes, "loads": loads, "differing": differing, **found}
        clock.advance(timedelta(hours=1))

    plain, vanished, corrected, passing = (Case(day=day) for day in (1, 2, 3, 4))
    returning, doubled = Case(day=5), Case(day=6)
    pair = [Case(day=7, sqrzjhm=PERSON), Case(day=7, sqrzjhm=PERSON)]
    shared = Case(day=8)
    at_home = {
        "ywh": shared.no,
        "sxdm": item_code(CITY_UNIT),
        "sqrlb": "01",
        "sqsj": moment(8),
        "slsj": moment(8, 10),
        "slzt": "10",
        "gxsj": moment(8, 11),
    }
    only_home = at_home | {"ywh": Case(day=9).no}
    land("item_catalogue", "items", [item(CITY_UNIT), item(COUNTY_UNIT)])
    second = corrected.sb(version=2, tjfs="0", inserttime=moment(10))
    everything = [
        case.sb() for case in (plain, vanished, corrected, passing, returning, doubled, *pair, shared)
    ]
    land(PLATFORM, "ex_gdbs_sb", [*everything, second])
    land(PLATFORM, "ex_gdbs_sl", [case.sl(12) for case in (plain, vanished, returning)])
    steps = [plain.spcl(1, 13), plain.spcl(2, 14)]
    land(PLATFORM, "ex_gdbs_spcl", steps)
    land(PLATFORM, "ex_gdbs_bj", [plain.bj(15), vanished.bj(15)])
    land(BUREAU, "yw_sqb", [at_home, only_home])
    step("first")

    land_deletes(PLATFORM, "ex_gdbs_sb", [vanished.sb(), second, returning.sb(), pair[1].sb(), passing.sb()])
    land_deletes(PLATFORM, "ex_gdbs_sl", [vanished.sl(12), returning.sl(12)])
    land_deletes(PLATFORM, "ex_gdbs_bj", [vanished.bj(15)])
    land_deletes(PLATFORM, "ex_gdbs_spcl", [steps[1]])
    land_deletes(BUREAU, "yw_sqb", [at_home, only_home])
    # Gone and come back before anybody built.
    land(PLATFORM, "ex_gdbs_sb", [passing.sb(bz="again")])
    step("deleted")

    land(PLATFORM, "ex_gdbs_sb", [returning.sb()])
    land(BUREAU, "yw_sqb", [only_home])
    land(PLATFORM, "ex_gdbs_sl", [doubled.sl(20)])
    # What was built and what was not lie in one file from now on.
    clock.advance(timedelta(days=1))
    compacted = compact()
    step("returned")
    named = {
        "plain": plain,
        "vanished": vanished,
        "corrected": corrected,
        "passing": passing,
        "returning": returning,
        "pair": pair,
        "shared": shared,
    }
    return {"seen": seen, "compacted": compacted, "only_home": only_home["ywh"], **named}


def _seen(lane):
    if lane == "warehouse":
        return {"facts": dict(rows(lane, "select case_no, channel_code from fct_cases", "marts"))}
    return {
        "sb": {
            no: (channel, source, remark)
            for no, channel, source, remark in rows(lane, "select case_no, tjfs, source, bz from ex_gdbs_sb")
        },
        "alone": dict(rows(lane, "select case_no, ctx_is_only_application_that_day from ex_gdbs_sb")),
        "agree": dict(rows(lane, "select case_no, ctx_systems_agree from ex_gdbs_sb")),
        "sl": {no for (no,) in rows(lane, "select case_no from ex_gdbs_sl")},
        "bj": {no for (no,) in rows(lane, "select case_no from ex_gdbs_bj")},
        "spcl": sorted(rows(lane, "select case_no, sphjdm from ex_gdbs_spcl")),
        "touched": {no for (no,) in rows(lane, "select case_no from int_touched_cases")},
    }


@pytest.mark.parametrize("name", ["deleted", "returned"])
def test_a_regular_build_over_deletes_leaves_what_a_full_one_does(deleted, name):
    assert deleted["seen"][name]["modes"] == ["incremental"] * 2
    assert deleted["seen"][name]["differing"] == {}


def test_of_a_merged_file_a_build_takes_the_loads_that_are_new(deleted):
    merged = {(one.source, one.table): one.loads for one in deleted["compacted"].merged}
    assert merged[PLATFORM, "ex_gdbs_sb"] == 4 and merged[BUREAU, "yw_sqb"] == 3
    assert deleted["seen"]["returned"]["loads"] == [3, 3]


def test_a_deleted_case_is_in_no_record_and_no_fact(deleted):
    now, no = deleted["seen"]["deleted"], deleted["vanished"].no
    assert no in deleted["seen"]["first"]["facts"] and no in deleted["seen"]["first"]["bj"]
    assert not [name for name in ("sb", "sl", "bj", "facts", "touched") if no in now[name]]


def test_a_deleted_correction_leaves_the_version_before_it(deleted):
    no = deleted["corrected"].no
    assert [deleted["seen"][name]["sb"][no][0] for name in ("first", "deleted")] == ["0", "1"]


def test_a_deleted_step_leaves_the_others(deleted):
    assert deleted["seen"]["deleted"]["spcl"] == [(deleted["plain"].no, "1")]


def test_a_record_deleted_in_one_system_is_the_other_ones(deleted):
    no = deleted["shared"].no
    first, now = deleted["seen"]["first"], deleted["seen"]["deleted"]
    assert now["sb"][no][1] == PLATFORM and no in first["sl"] and no not in now["sl"]
    assert first["agree"][no] is False and now["agree"][no] is True


def test_the_neighbour_of_a_deleted_application_stands_alone(deleted):
    one = deleted["pair"][0].no
    assert [deleted["seen"][name]["alone"][one] for name in ("first", "deleted")] == [False, True]


def test_what_comes_back_counts_again(deleted):
    seen, passing, returning = deleted["seen"], deleted["passing"].no, deleted["returning"].no
    assert seen["deleted"]["sb"][passing][2] == "again"
    assert returning not in seen["deleted"]["sb"] and returning in seen["returned"]["sb"]
    assert returning not in seen["returned"]["sl"]
    assert (
        deleted["only_home"] not in seen["deleted"]["sb"] and deleted["only_home"] in seen["returned"]["sb"]
    )
