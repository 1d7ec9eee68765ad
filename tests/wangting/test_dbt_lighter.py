"""What stands in the place of dbt's own does what dbt's own does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wangting import dbt_lighter


@pytest.fixture(scope="module", autouse=True)
def lighter():
    dbt_lighter.lighten()
    dbt_lighter.lighten()


names = st.dictionaries(st.sampled_from(["ref", "dbt", "touched", "date_trunc", "other"]), st.integers())


@given(names, names, names, st.dictionaries(st.sampled_from(["dbt", "other", "wangting"]), names))
def test_of_macros_with_one_name_the_one_counts_that_dbt_finds_first(globals_, locals_, internal, packages):
    from dbt.context.macros import MacroNamespace

    macros: Any = MacroNamespace(globals_, locals_, internal, packages)
    places = list(macros._search_order())
    assert set(macros) == {name for place in places for name in place} and len(macros) == len(set(macros))
    for name in macros:
        assert macros[name] == next(place[name] for place in places if name in place)
    assert macros.get("not there") is None


def test_a_macro_has_what_dbt_gives_it():
    from dbt.clients.jinja import MacroGenerator

    given_one_by_one = MacroGenerator("macro", {"a": 1}, "node", "stack")
    assert vars(given_one_by_one) == {"macro": "macro", "context": {"a": 1}, "node": "node", "stack": "stack"}
    assert vars(MacroGenerator("macro")) == {"macro": "macro", "context": None, "node": None, "stack": None}


def test_events_are_told_but_for_those_of_level_debug_that_nobody_follows():
    from dbt.adapters.events.types import SQLCommit
    from dbt.events.types import NodeFinished
    from dbt_common.events import event_manager_client
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.types import Note

    manager = event_manager_client.get_event_manager()
    told: list[str] = []
    before = manager.callbacks
    manager.callbacks = [lambda message: told.append(message.info.name)]
    try:
        manager.fire_event(SQLCommit(conn_name="one"))
        manager.fire_event(NodeFinished(node_info={}, run_result={}))
        manager.fire_event(Note(msg="read me"), EventLevel.WARN)
        manager.fire_event(SQLCommit(conn_name="one"), EventLevel.ERROR)
    finally:
        manager.callbacks = before
    assert told == ["NodeFinished", "Note", "SQLCommit"]
