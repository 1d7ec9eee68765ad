"""What the warehouse lands of the ledger and judges itself stands as the 12-hour ledger says, at every moment."""

from datetime import timedelta
from itertools import count
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from exchange import clocks, finals, timeliness
from ingestion.pulling import pull
from tests.exchange.lane import SB, SL, UNIT
from tests.exchange.versions import BASE, minutes, put
from wangting import clock, engine, ledger

NUMBERS = count()
OTHER = "445100B"
LIMIT, LAG = timedelta(hours=12), timedelta(minutes=10)
Row = dict[str, Any]


def made(since, as_of):
    """What one pull would bring: (record, key, version) → row."""
    work = engine.connect()
    try:
        clocks.make_clocks(work, since, as_of)
        rows = work.execute("select * from clocks").fetchall()
        assert work.execute("select column_name from (describe clocks)").fetchall() == [
            (name,) for name in clocks.KINDS
        ]
    finally:
        work.close()
    found = {row[:3]: dict(zip(clocks.KINDS, row, strict=True)) for row in rows}
    assert len(found) == len(rows)
    return found


def judged(rows, as_of):
    """Unit → [on time, due], read from clock and acknowledgement alone."""
    found: dict[str, list[int]] = {}
    for row in rows.values():
        if not row["is_counted"] or row["is_backfill"] or row["clock_at"] is None:
            continue
        if row["clock_at"] + LIMIT > as_of:
            continue
        counts = found.setdefault(row["unit_code"] or "", [0, 0])
        counts[0] += row["acked_at"] is not None and row["acked_at"] <= row["clock_at"] + LIMIT
        counts[1] += 1
    return found


def counted(rows):
    """Those that have a duty; of backfill nothing is kept up."""
    return {key: row for key, row in rows.items() if row["is_counted"] and not row["is_backfill"]}


def by_unit(as_of):
    groups = timeliness.timeliness(by=["department"], as_of=as_of).groups
    return {row["department"]: [row["on_time"], row["due"]] for row in groups if row["due"]}


def become(key, version, *states, **values):
    """Let a version of a record go on its way."""
    o = ledger.outbox
    with ledger.transaction() as connection:
        for state in states:
            connection.execute(
                update(o)
                .where(o.c.record == SB, o.c.record_key == key, o.c.version == version)
                .values(state=state, **values)
            )


@pytest.fixture
def at_base(home):
    clock.set_simulated(BASE)
    return home


def test_a_rejected_version_and_the_one_after_it_are_one_row_that_counts(at_base):
    put(SB, "a", 1, state="REJECTED", sent_at=10)
    put(SB, "a", 2, arrived_at=200, acked_at=210)
    put(SB, "b", 1, acked_at=30)
    put(SB, "b", 2, state="NEW", clock_at=BASE + timedelta(hours=24), arrived_at=BASE + timedelta(hours=25))
    rows = made(None, BASE + timedelta(days=2))
    assert {key[1:]: row["is_counted"] for key, row in rows.items()} == {
        ("a", 1): False, ("a", 2): True, ("b", 1): True, ("b", 2): True,
    }  # fmt: skip


def test_backfill_is_left_out_unless_a_live_version_is_of_the_same_record(at_base):
    put(SB, "a", is_backfill=True, acked_at=1)
    put(SB, "b", 1, is_backfill=True, acked_at=1)
    put(SB, "b", 2, arrived_at=10, acked_at=11)
    assert [key[1:] for key in sorted(made(None, BASE + timedelta(days=1)))] == [("b", 1), ("b", 2)]


def test_what_was_acknowledged_before_the_window_does_not_come_again(at_base):
    put(SB, "old", acked_at=5)
    put(SB, "new", acked_at=100)
    put(SB, "open", state="NEW")
    assert {key[1] for key in made(BASE + minutes(50), BASE + minutes(110))} == {"new", "open"}


def test_a_version_overtaken_by_one_that_still_waits_no_longer_counts(at_base):
    put(SB, "a", state="NEW")
    first = made(None, BASE + minutes(5))
    become("a", 1, "SUPERSEDED")
    second = made(BASE + minutes(4), BASE + minutes(10))
    assert [row["is_counted"] for rows in (first, second) for row in rows.values()] == [True, False]
    assert by_unit(BASE + timedelta(days=1)) == judged(first | second, BASE + timedelta(days=1)) == {}


@st.composite
def rounds(draw):
    """Rounds of what happens to eight records between two pulls, and how long each round is, in minutes."""
    what = st.sampled_from(["ack", "reject", "correct", "overtake", "stay"])
    one = st.tuples(st.integers(0, 7), what, st.integers(0, 900), st.booleans())
    a_round = st.tuples(
        st.lists(one, max_size=12), st.sampled_from([20, 60, 700, 2 * 1440 + 60]), st.booleans()
    )
    return draw(st.lists(a_round, min_size=1, max_size=6))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=rounds())
def test_news_upon_news_stand_as_the_ledger_of_the_twelve_hours_says(home, monkeypatch, rounds):
    place = next(NUMBERS)
    monkeypatch.setenv("WANGTING_LEDGER_URL", f"sqlite:///{home}/{place}.sqlite")  # each time another
    monkeypatch.setenv("WANGTING_HOME", str(home / str(place)))
    clock.set_simulated(BASE)
    held: dict[tuple[str, str, int], Row] = {}
    known: dict[str, tuple[int, str]] = {}
    since = None
    for events, length, archives in rounds:
        began = clock.now()
        moment = began
        for number, what, earlier, is_live in events:
            key = f"case{number}"
            moment = began + (moment - began + timedelta(seconds=30)) % minutes(length)
            version, state = known.get(key, (0, "none"))
            if what in ("correct", "overtake") or state == "none":
                if state == "NEW":
                    become(key, version, "SUPERSEDED")
                put(
                    SB, key, version + 1, state="NEW", clock_at=moment - minutes(earlier), arrived_at=moment,
                    cut_at=moment, is_backfill=not is_live and number % 2 == 0,
                    unit_code=[UNIT, OTHER, None][number % 3],
                )  # fmt: skip
                known[key] = (version + 1, "NEW")
            elif what == "ack" and state == "NEW":
                become(key, version, "SENT", "ACK", first_sent_at=moment, sent_at=moment, acked_at=moment)
                known[key] = (version, "ACK")
            elif what == "reject" and state == "NEW":
                become(key, version, "SENT", "REJECTED", first_sent_at=moment, sent_at=moment)
                known[key] = (version, "REJECTED")
            elif what == "stay" and state == "NEW" and is_live:
                become(key, version, "SUPERSEDED")  # by one that waits with its case
                known[key] = (version, "SUPERSEDED")
        clock.advance(minutes(length))
        if archives:
            finals.archive()
        now = clock.now()
        held |= made(since, now)
        since = now - LAG
        for as_of in (now, now + timedelta(hours=3), now + timedelta(days=2)):
            assert judged(held, as_of) == by_unit(as_of)
    assert counted(held) == counted(made(None, clock.now()))


def test_the_clocks_land_hour_by_hour_and_what_has_not_changed_does_not(at_base, monkeypatch):
    monkeypatch.setenv("PROVINCE_URL", "http://127.0.0.1:9")
    put(SB, "a", acked_at=-20, clock_at=-60)
    put(SL, "a", state="NEW")
    landed: list[int] = []

    def pulled():
        results = [result for result in pull(["province_receipts"]) if result.table == "record_clocks"]
        assert [result.errors for result in results] == [[]]
        landed.append(results[0].rows)
        clock.advance(timedelta(hours=1))

    pulled()
    pulled()
    o = ledger.outbox
    with ledger.transaction() as connection:
        for state in ("SENT", "ACK"):
            connection.execute(
                update(o).where(o.c.record == SL).values(state=state, acked_at=BASE + minutes(100))
            )
    pulled()
    pulled()
    assert landed == [2, 0, 1, 0]
    files = at_base / "landing" / "province_receipts" / "record_clocks" / "**" / "*.parquet"
    rows = duckdb.sql(
        f"select record, acked_at from read_parquet('{files}', hive_partitioning = false) order by all"
    )
    assert rows.fetchall() == [
        (SB, BASE - minutes(20)), (SL, BASE + minutes(100)), (SL, None),
    ]  # fmt: skip
