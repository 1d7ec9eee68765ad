"""What a regular build may leave as it is: nothing that could read something else than last time."""

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wangting import settings
from wangting.unmoved import Model, unmoved

BEFORE = datetime(2017, 11, 29, 22)
SAME_DAY, NEXT_DAY, NEXT_MONTH = datetime(2017, 11, 29, 23), datetime(2017, 11, 30), datetime(2017, 12, 1)
LICENCES, CASES = ("elicence", "licences"), ("platform", "cases")
GRAPH = {
    "stg_licences": Model(frozenset(), frozenset({LICENCES})),
    "stg_cases": Model(frozenset(), frozenset({CASES})),
    "touched": Model(frozenset({"stg_cases"}), pace="news"),
    "latest": Model(frozenset({"stg_licences"})),
    "cases": Model(frozenset({"stg_cases", "touched", "a_seed"})),
    "both": Model(frozenset({"latest", "cases"})),
    "ages": Model(frozenset({"latest"}), pace="day"),
    "months": Model(frozenset({"latest"}), pace="month"),
    "open": Model(frozenset({"cases"}), pace="moment"),
    "of_open": Model(frozenset({"open"})),
    "frozen": Model(frozenset({"latest"}), is_of_the_run=True),
    "a_seed": Model(frozenset()),
}
ALWAYS = {"touched", "open", "of_open", "frozen"}


def runs(news, now=SAME_DAY):
    """The models that run."""
    return GRAPH.keys() - unmoved(GRAPH, news, BEFORE, now)


def test_without_news_only_what_reads_the_moment_runs_and_what_notes_the_run():
    assert runs([]) == ALWAYS


def test_whatever_is_behind_a_table_with_news_runs():
    assert runs([LICENCES]) == ALWAYS | {"stg_licences", "latest", "both", "ages", "months"}
    assert runs([CASES]) == ALWAYS | {"stg_cases", "cases", "both"}


@pytest.mark.parametrize(
    ("now", "more"), [(SAME_DAY, set()), (NEXT_DAY, {"ages"}), (NEXT_MONTH, {"ages", "months"})]
)
def test_what_follows_the_day_or_the_month_runs_when_it_is_another(now, more):
    assert runs([], now) == ALWAYS | more


@given(st.data())
def test_no_model_is_left_out_behind_one_that_moves(data):
    names = [f"m{place}" for place in range(data.draw(st.integers(1, 12)))]
    tables = [("s", f"t{place}") for place in range(4)]
    graph = {
        name: Model(
            data.draw(st.frozensets(st.sampled_from(names[:place]), max_size=3)) if place else frozenset(),
            data.draw(st.frozensets(st.sampled_from(tables), max_size=2)),
            data.draw(st.sampled_from([None, None, "moment", "day", "month"])),
            data.draw(st.booleans()) and data.draw(st.booleans()),
        )
        for place, name in enumerate(names)
    }
    news = data.draw(st.sets(st.sampled_from(tables)))
    now = data.draw(st.sampled_from([SAME_DAY, NEXT_DAY, NEXT_MONTH]))
    by_itself = {
        "moment": True,
        "day": now.day != BEFORE.day,
        "month": now.month != BEFORE.month,
        None: False,
    }
    expected = set()
    for name in names:  # in the order of the graph
        model = graph[name]
        if model.is_of_the_run or by_itself[model.pace] or model.tables & news or model.inputs & expected:
            expected.add(name)
    assert graph.keys() - unmoved(graph, news, BEFORE, now) == expected


def test_no_macro_asks_the_context_for_a_time():
    """A model that reads the context through macros alone counts as one that does not depend on the time."""
    read, asked = 0, set()
    for path in (settings.REPOSITORY / "dbt_project" / "macros").rglob("*.sql"):
        text = path.read_text("utf-8")
        read += len(re.findall(r"from \{\{ (?:context|source\('run', 'context'\)) \}\}", text))
        found = re.findall(
            r"select \w+\.(\w+) from \{\{ (?:context|source\('run', 'context'\)) \}\} as \w+\)", text
        )
        read -= len(found)
        asked |= set(found)
    assert read == 0  # no other way of reading it
    assert asked == {"run_no", "units_on", "rule_version"}
