"""The states: what may happen does, what may not is refused by the database itself, and the counters agree."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from exchange import states
from tests.exchange.lane import GO_LIVE
from wangting import ledger
from wangting.states import CHANGES, ENTRIES, EVENTS, LEAVERS, STATES

BOTH_LEDGERS = True
# The shortest way to each state.
WAYS = {
    "NEW": ("NEW",), "BLOCKED": ("BLOCKED",), "HELD": ("HELD",), "SENT": ("NEW", "SENT"),
    "RETRY": ("NEW", "SENT", "RETRY"), "REJECTED": ("NEW", "SENT", "REJECTED"), "ACK": ("NEW", "SENT", "ACK"),
    "SUPERSEDED": ("NEW", "SUPERSEDED"),
}  # fmt: skip


def row(number, state="NEW", **values):
    return {
        "record": "EX_GDBS_SB", "record_key": f"k{number}", "version": 1, "case_no": f"c{number}", "source": "s",
        "batch_id": "b", "payload_hash": "p", "context_hash": "c", "state": state, "stage": 0, "is_backfill": False,
        "outcome": "passed", "attempts": 0, "arrived_at": GO_LIVE, "cut_at": GO_LIVE,
    } | values  # fmt: skip


def enter(number, state="NEW", **values):
    with ledger.transaction() as connection:
        connection.execute(insert(ledger.outbox), row(number, state, **values))


def set_state(number, state, **values):
    o = ledger.outbox
    with ledger.transaction() as connection:
        connection.execute(update(o).where(o.c.record_key == f"k{number}").values(state=state, **values))


def bring(number, state):
    enter(number, WAYS[state][0])
    for step in WAYS[state][1:]:
        set_state(number, step)


def counted():
    c = ledger.outbox_counts
    return {
        (row["state"], row["is_backfill"], row["rules"]): row["n"]
        for row in ledger.rows(select(c).where(c.c.n != 0))
    }


def held_by(of):
    if of["state"] != "HELD":
        return ""
    return of["rules"] or "" if of["outcome"] == "held" else "unchecked"


def really():
    found = {}
    for each in ledger.rows(select(ledger.outbox)):
        name = (each["state"], each["is_backfill"], held_by(each))
        found[name] = found.get(name, 0) + 1
    return found


def test_every_change_that_an_event_knows_is_allowed_and_every_other_refused(home):
    pairs = [(before, after) for before in STATES for after in STATES if before != after]
    for number, (before, after) in enumerate(pairs):
        bring(number, before)
        if (before, after) in CHANGES:
            set_state(number, after)
        else:
            with pytest.raises(IntegrityError, match="no such change"):
                set_state(number, after)
    assert counted() == really()


def test_a_record_enters_and_leaves_only_by_the_doors_there_are(home):
    for number, state in enumerate(STATES):
        if state not in ENTRIES:
            with pytest.raises(IntegrityError, match="no such entry"):
                enter(number, state)
        bring(number, state) if state not in ENTRIES else enter(number, state)
        gone = delete(ledger.outbox).where(ledger.outbox.c.record_key == f"k{number}")
        if state in LEAVERS:
            with ledger.transaction() as connection:
                connection.execute(gone)
        else:
            with pytest.raises(IntegrityError, match="no such leaving"), ledger.transaction() as connection:
                connection.execute(gone)
    assert counted() == really()


@pytest.mark.parametrize("changed", [{"batch_id": "other"}, {"payload_hash": "other"}])
def test_what_was_sent_is_never_changed_in_place(home, changed):
    bring(1, "NEW")
    set_state(1, "NEW", **changed)
    set_state(1, "SENT")
    with pytest.raises(IntegrityError, match="no such change"):
        set_state(1, "SENT", **dict.fromkeys(changed, "yet another"))


def test_a_record_keeps_its_name(home):
    bring(1, "NEW")
    with pytest.raises(IntegrityError, match="no such change"), ledger.transaction() as connection:
        connection.execute(update(ledger.outbox).values(version=2))


def test_a_refused_change_undoes_its_whole_transaction(home):
    bring(1, "NEW")
    o = ledger.outbox
    with pytest.raises(IntegrityError), ledger.transaction() as connection:
        connection.execute(insert(o), row(2))
        connection.execute(update(o).where(o.c.record_key == "k1").values(state="ACK"))
    assert really() == counted() == {("NEW", False, ""): 1}


def test_every_event_is_worded_and_has_a_reason():
    for event in EVENTS.values():
        assert event.reason
        if event.target and any(event.sources):
            assert str(states.change(event.name))
        elif not event.target:
            assert str(states.leave(event.name))
    assert set(WAYS) == set(STATES)


rows_of_rules = st.tuples(
    st.integers(0, 5),
    st.sampled_from(["NEW", "BLOCKED", "HELD"]),
    st.sampled_from(["passed", "held", "unchecked", "warned"]),
    st.sampled_from([None, "N1.code", "N1.code,C1.filler"]),
    st.booleans(),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(rows_of_rules, min_size=1, max_size=6, unique_by=lambda each: each[0]), max_size=5))
def test_the_counters_agree_whatever_is_judged_anew(home, batches):
    from exchange.outbox import _upsert

    with ledger.transaction() as connection:
        o = ledger.outbox
        connection.execute(update(o).where(o.c.state != "HELD").values(state="HELD"))
        connection.execute(delete(o))
    for batch in batches:
        with ledger.transaction() as connection:
            _upsert(
                connection,
                [
                    row(number, state, outcome=outcome, rules=rules, is_backfill=old)
                    | dict.fromkeys(("clock_at", "due_at", "business_time", "written_at", "held_at"))
                    for number, state, outcome, rules, old in batch
                ],
            )
        assert counted() == really()
    total = ledger.rows(select(func.sum(ledger.outbox_counts.c.n).label("n")))[0]["n"] or 0
    assert total == ledger.rows(select(func.count().label("n")).select_from(ledger.outbox))[0]["n"]
