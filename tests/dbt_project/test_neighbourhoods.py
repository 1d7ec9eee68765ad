"""Whose change brings which record before the gate again: each late row the records it concerns, and no other."""

from datetime import datetime, timedelta

import duckdb
import pytest

from exchange.cut import cut
from tests.dbt_project import states
from tests.dbt_project.landed import land
from tests.dbt_project.written import CITY_UNIT, COUNTY_UNIT, Case, item, item_code, moment
from wangting import clock, settings
from wangting.build import build
from wangting.dbt_assembly import lane_file

pytestmark = pytest.mark.timeout(600)
PLATFORM = "unified_platform"
PERSON, ANOTHER = "445102196001010007", "445102196001010015"
SECOND = datetime(2017, 11, 6, 10, 20, 31)
CLOSED = datetime(2017, 11, 1).date()


def context(column, *cases):
    """A context column of the cases' applications."""
    listed = ", ".join(f"'{case.no}'" for case in cases)
    with duckdb.connect(str(lane_file("exchange")), read_only=True) as connection:
        return dict(
            connection.execute(
                f"select case_no, {column} from ex_gdbs_sb where case_no in ({listed})"
            ).fetchall()
        )


def presented():
    """(table, key) of what the newest batch presents again."""
    newest = max((settings.home() / "batches").iterdir())
    found = set()
    for file in newest.glob("*.parquet"):
        rows = duckdb.execute(f"select record_key from '{file}' where is_represented").fetchall()
        found.update((file.stem, key) for (key,) in rows)
    return found


@pytest.fixture(scope="module")
def steps(house):
    """Each late row, built and cut; what was presented again after it, and what the contexts said."""
    seen = {}

    def step(name, *asked):
        clock.advance(timedelta(minutes=10))
        build("exchange")
        summary = cut()
        again = presented() if summary.batch_id else set()
        assert len(again) == summary.represented
        seen[name] = {"again": again, "new": summary.new, "corrected": summary.corrected}
        for column, cases in asked:
            seen[name][column] = context(column, *cases)

    only, single = "ctx_is_only_application_that_day", "ctx_is_entered_singly"
    plain, other_day = Case(day=1, sqrzjhm=PERSON), Case(day=2, sqrzjhm=PERSON)
    first, second = Case(day=3, sqrzjhm=PERSON), Case(day=3, sqrzjhm=f" {PERSON.lower()}")
    fillers = [Case(day=3, sqrzjhm=filler) for filler in ("无", "-", "", None)]
    crowd = [Case(COUNTY_UNIT, day=6, sbsj=SECOND + timedelta(milliseconds=n)) for n in range(10)]
    nights = [Case(CITY_UNIT, day=6, sbsj=datetime(2017, 11, 6)) for _ in range(12)]
    reported, numbered = Case(day=8, sqrzjhm=ANOTHER), Case(day=9, sqrzjhm=ANOTHER)
    closed = [Case(day=day, number=2) for day in (10, 11)]
    everything = [plain, other_day, first, *fillers, *crowd[:9], *nights, reported, numbered, *closed]
    land(
        "item_catalogue",
        "items",
        [item(CITY_UNIT), item(COUNTY_UNIT), item(CITY_UNIT, 3), item(CITY_UNIT, 2, valid_to=CLOSED)],
    )
    land(PLATFORM, "ex_gdbs_sb", [case.sb() for case in everything])
    land(PLATFORM, "ex_gdbs_sl", [plain.sl(2), closed[0].sl(12)])
    land(PLATFORM, "ex_gdbs_bj", [plain.bj(9)])
    step("first", (only, [first, *fillers]), (single, [*crowd[:9], *nights]))

    land(PLATFORM, "ex_gdbs_sb", [second.sb()])
    step("a second application", (only, [first, second, other_day]))
    land(PLATFORM, "ex_gdbs_sb", [crowd[9].sb()])
    step("the tenth in a second", (single, crowd))
    land(PLATFORM, "ex_gdbs_sb", [Case(COUNTY_UNIT, day=6, sbsj=SECOND).sb()])
    step("the eleventh")
    at_home = {
        "ywh": reported.no,
        "sxdm": item_code(CITY_UNIT),
        "sqrlb": "01",
        "sqsj": moment(8),
        "gxsj": moment(8),
    }
    land("housing_bureau", "yw_sqb", [at_home])
    step("another system", ("ctx_systems_agree", [reported, plain]))
    land(PLATFORM, "ex_gdbs_sb", [numbered.sb(version=3, bz="更正", inserttime=moment(10))])
    step("a version too many", ("ctx_versions_are_whole", [numbered, plain]))
    land(PLATFORM, "ex_gdbs_sb", [numbered.sb(version=2, inserttime=moment(9, 12))])
    step("the missing version", ("ctx_versions_are_whole", [numbered]))
    moved = {"sxbm": item_code(CITY_UNIT, 3), "version": 2, "inserttime": moment(12)}
    land(PLATFORM, "ex_gdbs_sb", [second.sb() | moved])
    step("it was for something else", (only, [first, second]))
    land("item_catalogue", "items", [item(CITY_UNIT, 2, updated_at=moment(20))])
    step("the catalogue is corrected", ("ctx_item_is_valid", closed))
    land("item_catalogue", "items", [item(CITY_UNIT, promised_limit=9, updated_at=moment(21))])
    step("another limit")
    land(
        "item_catalogue",
        "items",
        [item(CITY_UNIT, promised_limit=9, item_name="改名", updated_at=moment(22))],
    )
    step("another name")
    land(
        "item_catalogue",
        "items",
        [item(CITY_UNIT, promised_limit=9, is_immediate=True, updated_at=moment(23))],
    )
    step("immediate after all")
    return {
        "seen": seen,
        "first": first,
        "second": second,
        "plain": plain,
        "other_day": other_day,
        "fillers": fillers,
        "crowd": crowd,
        "nights": nights,
        "reported": reported,
        "numbered": numbered,
        "closed": closed,
    }


def sb(*cases):
    return {("ex_gdbs_sb", case.no) for case in cases}


def test_what_stands_alone_is_alone(steps):
    seen = steps["seen"]["first"]
    assert all(seen["ctx_is_only_application_that_day"].values())
    assert all(seen["ctx_is_entered_singly"].values())  # nine in a second; and midnight is only a day


def test_a_second_application_of_the_day_brings_back_the_first_and_nothing_else(steps):
    seen = steps["seen"]["a second application"]
    assert seen["again"] == sb(steps["first"]) and seen["new"] == 1
    assert seen["ctx_is_only_application_that_day"] == {
        steps["first"].no: False,
        steps["second"].no: False,
        steps["other_day"].no: True,
    }


def test_the_tenth_case_of_a_second_brings_back_the_other_nine(steps):
    seen = steps["seen"]["the tenth in a second"]
    assert seen["again"] == sb(*steps["crowd"][:9]) and seen["new"] == 1
    assert not any(seen["ctx_is_entered_singly"].values())


def test_one_more_changes_no_judgement_and_brings_nothing_back(steps):
    assert steps["seen"]["the eleventh"] == {"again": set(), "new": 1, "corrected": 0}


def test_a_record_that_another_system_words_otherwise_is_brought_back(steps):
    seen = steps["seen"]["another system"]
    assert seen["again"] == sb(steps["reported"]) and (seen["new"], seen["corrected"]) == (0, 0)
    assert seen["ctx_systems_agree"] == {steps["reported"].no: False, steps["plain"].no: True}


def test_a_number_that_the_source_left_out_is_seen_and_seen_to_come(steps):
    before, after = steps["seen"]["a version too many"], steps["seen"]["the missing version"]
    numbered, plain = steps["numbered"], steps["plain"]
    assert before["ctx_versions_are_whole"] == {numbered.no: False, plain.no: True}
    assert (before["again"], before["corrected"]) == (set(), 1)
    assert after["ctx_versions_are_whole"] == {numbered.no: True}
    assert (after["again"], after["corrected"]) == (sb(numbered), 0)


def test_the_one_that_is_left_behind_is_brought_back_too(steps):
    seen = steps["seen"]["it was for something else"]
    assert (seen["again"], seen["corrected"]) == (sb(steps["first"]), 1)
    assert set(seen["ctx_is_only_application_that_day"].values()) == {True}


def test_a_late_correction_of_the_catalogue_brings_back_exactly_its_cases(steps):
    seen = steps["seen"]["the catalogue is corrected"]
    assert seen["ctx_item_is_valid"] == {case.no: True for case in steps["closed"]}
    # The acceptance of the one: which limit the catalogue gives it is known only now.
    assert seen["again"] == sb(*steps["closed"]) | {("ex_gdbs_sl", steps["closed"][0].no)}
    assert seen["new"] == 0


def test_a_change_brings_back_only_records_with_a_rule_that_reads_it(steps):
    assert steps["seen"]["another limit"]["again"] == {("ex_gdbs_sl", steps["plain"].no)}
    assert steps["seen"]["another name"]["again"] == set()
    assert steps["seen"]["immediate after all"]["again"] == {("ex_gdbs_bj", steps["plain"].no)}


def test_a_full_rebuild_equals_what_the_steps_left(steps, tmp_path):
    assert states.beside_a_full_build("exchange", tmp_path / "exchange") == {}
    assert cut().batch_id is None
