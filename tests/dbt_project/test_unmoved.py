"""A regular build leaves out the models that would read what they read last time; its tables are a full build's still,
whatever landed alone, and when nothing did but the day is another."""

from datetime import date, datetime, timedelta

import pytest

from tests.dbt_project import states
from tests.dbt_project.landed import land, land_deletes
from tests.dbt_project.numbers import citizen
from tests.dbt_project.test_latest import licence
from tests.dbt_project.written import CITY_UNIT, Case, item, moment
from wangting import clock, dbt_run
from wangting.build import build
from wangting.errors import WangtingError

pytestmark = pytest.mark.timeout(1800)
PLATFORM = "unified_platform"
OWNER = citizen(41)


def person(born_on):
    """A row of the population register."""
    return {"公民身份号码": OWNER, "姓名": "甲", "出生日期": born_on, "_file_date": date(2017, 11, 1)}


@pytest.fixture(scope="module")
def built(house, tmp_path_factory):
    """After each step what ran, and how a full build differs."""
    folder, seen = tmp_path_factory.mktemp("kept"), {}
    one, other = Case(day=1, sqrzjhm=OWNER), Case(day=2, sqrzjhm=OWNER)

    def step(name, later):
        clock.advance(later)
        before, ran = dbt_run.invoke, []
        with pytest.MonkeyPatch.context() as patch:

            def noted(*arguments, **more):
                results = before(*arguments, **more)
                ran.extend(str(result.node.name) for result in results)
                return results

            patch.setattr(dbt_run, "invoke", noted)
            summary = build("warehouse")
        seen[name] = {
            "mode": summary.mode,
            "ran": set(ran),
            "differing": states.beside_a_full_build("warehouse", folder),
        }

    land("item_catalogue", "items", [item(CITY_UNIT)])
    land("population_register", "persons", [person(date(1988, 12, 1))])
    land("elicence", "licences", [licence(1, holder=OWNER), licence(2)])
    land(PLATFORM, "ex_gdbs_sb", [one.sb(), other.sb()])
    land(PLATFORM, "ex_gdbs_sl", [one.sl(3), other.sl(3)])
    land(PLATFORM, "ex_gdbs_bj", [one.bj(9)])
    build("warehouse", full=True)
    land("elicence", "licences", [licence(1, "abolished", day=3, holder=OWNER)])
    step("licences alone", timedelta(hours=1))
    # The case is open again, and a table that has no news shows what is left of it.
    land_deletes(PLATFORM, "ex_gdbs_bj", [one.bj(9)])
    step("a row of a case gone", timedelta(hours=1))
    # 30 November, noon, becomes 1 December: a birthday, and a month more.
    step("another day and month", timedelta(hours=24))
    assert clock.now() == datetime(2017, 12, 1, 14)
    land("item_catalogue", "items", [item(CITY_UNIT, visit_limit=3, updated_at=moment(20))])
    step("an item alone", timedelta(hours=1))
    return seen


STEPS = ["licences alone", "a row of a case gone", "another day and month", "an item alone"]


@pytest.mark.parametrize("name", STEPS)
def test_what_is_left_out_is_as_a_full_build_would_make_it(built, name):
    assert built[name]["mode"] == "incremental"
    assert built[name]["differing"] == {}


@pytest.mark.parametrize(
    ("name", "running", "left"),
    [
        ("licences alone", {"dim_persons", "fct_licences"}, {"fct_cases", "int_cases_counted", "dim_items"}),
        ("a row of a case gone", {"fct_cases", "fct_open_cases"}, {"dim_items", "fct_item_changes"}),
        (
            "another day and month",
            {"dim_periods", "dim_persons", "metric_values"},
            {"fct_cases", "item_pairs"},
        ),
        (
            "an item alone",
            {"fct_cases", "dim_items"},
            {"dim_legal_person_statuses", "fct_supervision_records"},
        ),
    ],
)
def test_only_what_may_have_changed_runs(built, name, running, left):
    assert running <= built[name]["ran"]
    assert not left & built[name]["ran"]
    # The tests of what is left out are, and the key of a table that ran is tested.
    assert not [
        test for test in built[name]["ran"] for model in left if test.startswith(f"key_is_unique_{model}_")
    ]


def test_after_a_failed_build_everything_runs(built, monkeypatch):
    land("elicence", "licences", [licence(3)])
    clock.advance(timedelta(hours=1))
    with monkeypatch.context() as patch:

        def failing(*arguments, **more):
            raise WangtingError("磁盘已满")

        patch.setattr(dbt_run, "build", failing)
        with pytest.raises(WangtingError, match="磁盘已满"):
            build("warehouse")
    again = build("warehouse")
    assert again.mode == "repeat"
    assert again.models > len([name for name in built["an item alone"]["ran"] if not name.startswith("key_")])
