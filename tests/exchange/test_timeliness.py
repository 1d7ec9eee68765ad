"""The 12-hour ledger: the rules of the clock, and whose every minute of a delay is."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from exchange import attribution, timeliness
from exchange.cut import cut
from exchange.outbox import enqueue
from exchange.push import push
from tests.exchange.lane import BJ, NOW, SB, SL, UNIT, Lane, case_no, judge
from tests.exchange.versions import BASE, minutes, put
from wangting import clock, engine, ledger
from wangting.errors import WangtingError

NUMBERS = count()
PARTS = ("source_us", "ours_us", "province_us")


def records(as_of):
    """(record, key) → the rows of the ledger, oldest version first."""
    work = engine.connect()
    try:
        attribution.make_records(work, as_of)
        cursor = work.execute("select * from records order by record, record_key, version")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    finally:
        work.close()
    found = {}
    for row in rows:
        found.setdefault((row["record"], row["record_key"]), []).append(row)
    return found


def parts(row):
    """Source, ours, province in minutes."""
    return tuple(row[name] / 6e7 for name in PARTS)


def outage(began, ended):
    ledger.record(
        ledger.outages,
        receiver="province", began_at=BASE + minutes(began), ended_at=BASE + minutes(ended), reason="x",
    )  # fmt: skip


# The words of the domain's own paper on the clock, one after the other.


def test_exactly_twelve_hours_are_on_time_and_a_second_more_is_late(home):
    put(SB, "a", acked_at=BASE + timedelta(hours=12))
    put(SB, "b", acked_at=BASE + timedelta(hours=12, seconds=1))
    assert timeliness.standings(BASE + timedelta(days=1)) == {
        (SB, "a"): ["on_time"],
        (SB, "b"): ["late_acknowledged"],
    }


def test_a_record_not_yet_due_is_not_in_the_denominator_and_an_unsent_one_that_is_due_is_late(home):
    put(SB, "waits", state="NEW")
    put(SB, "acked", acked_at=BASE + minutes(1))
    before, at = BASE + timedelta(hours=12) - timedelta(seconds=1), BASE + timedelta(hours=12)
    total = timeliness.timeliness(as_of=before).total
    assert (total["due"], total["share"], total["not_due"], total["not_due_acknowledged"]) == (0, None, 2, 1)
    total = timeliness.timeliness(as_of=at).total
    assert (total["due"], total["on_time"], total["late_unsent"], total["share"]) == (2, 1, 1, 0.5)


@pytest.mark.parametrize("state", ["HELD", "REJECTED", "BLOCKED", "RETRY"])
def test_being_held_or_rejected_is_no_excuse(home, state):
    put(SB, "a", state=state)
    assert timeliness.standings(BASE + timedelta(hours=13)) == {(SB, "a"): ["late_unsent"]}


def test_a_version_after_a_rejection_inherits_the_clock_and_both_are_one_record(home):
    put(SB, "a", 1, state="REJECTED", first_sent_at=10, sent_at=10)
    put(SB, "a", 2, arrived_at=200, first_sent_at=205, sent_at=205, acked_at=210)
    [row] = records(BASE + timedelta(days=1))[SB, "a"]
    assert (row["version"], row["versions"], row["standing"]) == (2, 2, "on_time")
    # 10 minutes on the way out; the mend took the source 190; 5 to the second sending, 5 to the receipt.
    assert parts(row) == (190, 15, 5)


def test_after_an_acknowledgement_a_correction_has_a_clock_of_its_own(home):
    put(SB, "a", 1, acked_at=30)
    put(SB, "a", 2, state="NEW", clock_at=BASE + timedelta(hours=24), arrived_at=BASE + timedelta(hours=25))
    assert timeliness.standings(BASE + timedelta(hours=26)) == {(SB, "a"): ["on_time", "not_due"]}
    assert timeliness.standings(BASE + timedelta(hours=36)) == {(SB, "a"): ["on_time", "late_unsent"]}


def test_without_a_usable_business_time_and_backfill_are_classes_of_their_own(home):
    put(SB, "a", clock_at=None, state="HELD")
    put(SB, "b", is_backfill=True, acked_at=1)
    total = timeliness.timeliness(as_of=BASE + timedelta(days=1)).total
    assert (total["due"], total["without_clock"], total["backfill"]) == (0, 1, 1)


def test_an_older_moment_knows_nothing_of_what_came_later(home):
    put(SB, "a", 1, state="SUPERSEDED", arrived_at=10)
    put(SB, "a", 2, arrived_at=800, first_sent_at=801, acked_at=802)
    assert timeliness.standings(BASE + minutes(5)) == {}
    assert timeliness.standings(BASE + minutes(500)) == {(SB, "a"): ["not_due"]}
    assert timeliness.standings(BASE + minutes(721)) == {(SB, "a"): ["late_unsent"]}
    assert timeliness.standings(BASE + minutes(900)) == {(SB, "a"): ["late_acknowledged"]}


# Whose delay it is.


def test_arrival_and_first_sending_cut_a_delay_in_three(home):
    put(SB, "a", arrived_at=120, first_sent_at=125, sent_at=300, acked_at=310)
    [row] = records(BASE + timedelta(days=1))[SB, "a"]
    assert parts(row) == (120, 5, 185)
    assert row["decisive"] is None


def test_what_a_rule_holds_is_the_sources_until_the_mended_version_comes(home):
    put(SB, "a", 1, state="SUPERSEDED", outcome="held", arrived_at=30, cut_at=BASE + minutes(32), held_at=32)
    put(SB, "a", 2, arrived_at=832, first_sent_at=840, acked_at=841)
    [row] = records(BASE + timedelta(days=1))[SB, "a"]
    assert parts(row) == (30 + 800, 2 + 8, 1)
    assert (row["standing"], row["decisive"]) == ("late_acknowledged", "source")


def test_a_record_that_passes_later_in_another_context_was_the_sources_while_it_was_held(home):
    put(SL, "a", arrived_at=30, held_at=32, cut_at=BASE + minutes(600), first_sent_at=601, acked_at=602)
    [row] = records(BASE + timedelta(days=1))[SL, "a"]
    assert parts(row) == (30 + 568, 2 + 1, 1)


def test_what_one_of_our_checks_could_not_judge_is_ours(home):
    put(SB, "a", state="HELD", outcome="unchecked", arrived_at=30)
    [row] = records(BASE + timedelta(hours=13))[SB, "a"]
    assert parts(row) == (30, 750, 0)
    assert row["decisive"] == "ours"


def test_an_outage_before_the_first_sending_is_the_provinces(home):
    put(SB, "a", arrived_at=30, first_sent_at=500, acked_at=510)
    outage(100, 400)
    outage(390, 450)
    [row] = records(BASE + timedelta(days=1))[SB, "a"]
    assert parts(row) == (30, 70 + 50, 350 + 10)


def test_while_a_record_waits_for_its_application_the_delay_is_whosever_the_applications_is(home):
    case = case_no(1)
    put(SB, case, 1, state="REJECTED", arrived_at=10, first_sent_at=20, sent_at=20)
    put(SB, case, 2, arrived_at=400, first_sent_at=410, acked_at=430)
    put(SL, f"{case}", clock_at=BASE + minutes(60), arrived_at=70, first_sent_at=440, acked_at=441)
    [row] = records(BASE + timedelta(days=1))[SL, case]
    # 10 until it came, 330 while the application was mended; 10 the application's way to its second sending and 10 to
    # its own first; 20 while the province had the application, 1 its own.
    assert parts(row) == (10 + 330, 10 + 10, 20 + 1)


def test_a_case_goes_the_whole_way_and_its_delay_is_told_apart(lane: Lane, receiver):
    case = lane.case(1, NOW - timedelta(hours=9), (SB, SL, BJ))
    lane.build()
    batch = cut().batch_id
    judge(batch, held={f"{SL}|{case}": "L1.order"})
    enqueue(batch)
    push()
    clock.advance(timedelta(hours=4))
    lane.put(SL, case, NOW - timedelta(hours=8), written_at=clock.now(), BZ="更正")
    lane.build()
    batch = cut().batch_id
    judge(batch)
    enqueue(batch)
    push()
    as_of = clock.now()
    found = records(as_of)
    [sb], [sl] = found[SB, case], found[SL, case]
    # Exactly twelve hours after its clock began, which the correction inherited.
    assert (sb["standing"], sl["standing"]) == ("on_time", "on_time")
    assert parts(sb) == (9 * 60, 0, 0)
    assert parts(sl)[0] == pytest.approx((8 + 4) * 60)
    shown = timeliness.timeliness(by=["stage"], as_of=as_of, worst=5)
    assert {row["stage"]: row["due"] for row in shown.groups} == Counter(
        record for (record, _), rows in found.items() for row in rows if row["due_at"] <= as_of
    ) | {record: 0 for (record, _), rows in found.items() if all(row["due_at"] > as_of for row in rows)}
    assert all(row["business_time"] is not None for row in shown.urgent + shown.worst)


# Every history: parts sum to the whole, minute by minute as the rules say, and the shares are the counts.


@dataclass
class Version:
    """One version of a drawn history; moments in minutes, None: never."""

    arrived: int
    held: int | None = None
    freed: int | None = None
    sent: int | None = None
    answered: int | None = None
    state: str = "NEW"


@dataclass
class Drawn:
    clock: int
    versions: list[Version] = field(default_factory=list)


@st.composite
def histories(draw, start=0):
    """What may happen to a record, up to three versions, each following the one before it."""
    at = draw(st.integers(start, start + 300))
    drawn = Drawn(at - draw(st.integers(0, 400)))
    for number in range(draw(st.integers(1, 3))):
        version = Version(at)
        end = draw(
            st.sampled_from(["held", "rejected", "pending", "acked"] if number < 2 else ["acked", "pending"])
        )
        at += draw(st.integers(0, 60))
        if draw(st.booleans()) or end == "held":
            version.held = at
            version.state = "HELD"
            at += draw(st.integers(0, 200))
            if end != "held":
                version.freed = at
                version.state = "NEW"
                at += draw(st.integers(0, 60))
        if end in ("rejected", "acked"):
            version.sent = at
            at += draw(st.integers(0, 120)) if end == "acked" else 0
            version.answered = at
            version.state = {"rejected": "REJECTED", "acked": "ACK"}[end]
        drawn.versions.append(version)
        if end == "acked" or draw(st.booleans()):
            break
        at += draw(st.integers(1, 400))
    for version in drawn.versions[:-1]:
        if version.state in ("HELD", "NEW"):
            version.state = "SUPERSEDED"
    return drawn


def owner_of(drawn, minute):
    """Whose the minute that begins here is, by the rules alone, without outages and applications."""
    version = next((each for each in reversed(drawn.versions) if each.arrived <= minute), None)
    if version is None:
        return "source"
    if version.answered is not None and minute >= version.answered:
        return "source"  # rejected; what was acknowledged has no more minutes
    if version.sent is not None and minute >= version.sent:
        return "province"
    if (
        version.held is not None
        and minute >= version.held
        and (version.freed is None or minute < version.freed)
    ):
        return "source"
    return "ours"


def end_of(drawn, as_of):
    last = drawn.versions[-1]
    return last.answered if last.state == "ACK" and last.answered <= as_of else as_of


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cases=st.lists(st.tuples(histories(), histories(200)), min_size=1, max_size=5),
    down=st.lists(st.tuples(st.integers(0, 1500), st.integers(1, 300)), max_size=3),
    as_of=st.integers(1500, 3000),
)
def test_parts_sum_to_the_whole_delay_and_shares_are_counts(home, monkeypatch, cases, down, as_of):
    monkeypatch.setenv("WANGTING_LEDGER_URL", f"sqlite:///{home}/{next(NUMBERS)}.sqlite")  # each time another
    for began, length in down:
        outage(began, began + length)
    is_down = {minute for began, length in down for minute in range(began, began + length)}
    drawn = {}
    for number, pair in enumerate(cases):
        for record, history in zip((SB, SL), pair, strict=True):
            drawn[record, f"case{number}"] = history
            for position, version in enumerate(history.versions, 1):
                put(
                    record, f"case{number}", position,
                    clock_at=history.clock, arrived_at=version.arrived, state=version.state,
                    cut_at=version.freed if version.freed is not None else version.held or version.arrived,
                    held_at=version.held,
                    outcome="held" if version.held is not None and version.freed is None else "passed",
                    first_sent_at=version.sent, sent_at=version.sent,
                    acked_at=version.answered if version.state == "ACK" else None,
                )  # fmt: skip
    found = records(BASE + minutes(as_of))
    assert found.keys() == drawn.keys()
    counts = Counter()
    for (record, key), history in drawn.items():
        [row] = found[record, key]
        end = max(end_of(history, as_of), history.clock)
        application = drawn[SB, key]
        expected = Counter()
        for minute in range(history.clock, end):
            owner = owner_of(history, minute)
            waits = record == SL and application.clock <= minute < end_of(application, as_of)
            if owner == "ours" and waits:
                owner = owner_of(application, minute)
            if owner == "ours" and minute in is_down:
                owner = "province"
            expected[owner] += 1
        assert parts(row) == tuple(expected[owner] for owner in attribution.OWNERS)
        assert sum(row[name] for name in PARTS) == row["delay_us"]
        if row["decisive"]:
            assert expected[row["decisive"]] == max(expected.values())
        counts[row["standing"]] += 1
    shown = timeliness.timeliness(by=["stage"], as_of=BASE + minutes(as_of))
    assert {name: shown.total[name] for name in counts} == counts
    assert shown.total["due"] == sum(counts[name] for name in ("on_time", "late_acknowledged", "late_unsent"))
    for name in ("due", "on_time", "late_source", "late_ours", "late_province", "not_due"):
        assert sum(row[name] for row in shown.groups) == shown.total[name]
    late = sum(shown.total[f"late_{owner}"] for owner in attribution.OWNERS)
    assert late == shown.total["due"] - shown.total["on_time"]


# How it is asked.


def test_the_same_figures_as_the_status_screen(home):
    from exchange import deadline

    put(SB, "a", 1, state="REJECTED")
    put(SB, "a", 2, acked_at=5)
    put(SB, "b", state="NEW")
    put(SB, "c", acked_at=BASE + timedelta(hours=20))
    put(SB, "d", clock_at=None)
    put(SB, "e", is_backfill=True)
    for hours in (1, 12, 30):
        as_of = BASE + timedelta(hours=hours)
        mine, theirs = timeliness.timeliness(as_of=BASE + timedelta(hours=30)).total, deadline.figures(as_of)
        if hours == 30:
            assert {
                name: mine[name] for name in ("due", "on_time", "late_unsent", "without_clock", "backfill")
            } == {
                name: getattr(theirs, name)
                for name in ("due", "on_time", "late_unsent", "without_clock", "backfill")
            }


def test_groups_have_their_own_denominators_and_a_period_is_of_days_on_which_clocks_began(home):
    put(SB, "a", acked_at=1)
    put(SB, "b", acked_at=BASE + timedelta(hours=20), unit_code=None)
    put(
        SL, "c", clock_at=BASE + timedelta(days=1), arrived_at=BASE + timedelta(days=1), source="town_station"
    )
    as_of = BASE + timedelta(days=3)
    shown = timeliness.timeliness(by=["system", "day"], as_of=as_of)
    assert [(row["day"], row["system"], row["on_time"], row["due"]) for row in shown.groups] == [
        ("2017-12-01", "unified_platform", 1, 2),
        ("2017-12-02", "town_station", 0, 1),
    ]
    departments = {
        row["department_title"]: row["due"]
        for row in timeliness.timeliness(by=["department"], as_of=as_of).groups
    }
    assert departments == {"（不明）": 1, UNIT: 2}
    for period, due in (
        ("2017-12-01", 2),
        ("2017-12", 3),
        ("2017", 3),
        ("2017-12-02..2017-12-31", 1),
        ("2018", 0),
    ):
        assert timeliness.timeliness(as_of=as_of, period=period).total["due"] == due


@pytest.mark.parametrize("period", ["2017-13", "last week", "2017-11-31", "..2017"])
def test_a_period_that_cannot_be_read_is_told(home, period):
    with pytest.raises(WangtingError, match="期间"):
        timeliness.timeliness(period=period)


def test_a_source_is_silent_by_working_hours_and_a_weekend_has_none(home):
    from wangting.silence import silences

    clock.set_simulated(BASE)
    friday_evening = datetime(2017, 12, 1, 17)
    with ledger.transaction() as connection:
        connection.execute(
            insert(ledger.loads).values(
                load_id="l", source="unified_platform", table_name="t", state="committed", load_date="2017-12-01",
                planned_at=friday_evening, loaded_at=friday_evening, rows=1, bytes=1,
            )
        )  # fmt: skip

    def platform(as_of):
        return next(row for row in silences(as_of) if row.source == "unified_platform")

    assert platform(datetime(2017, 12, 4, 8)).working_hours == 0.5
    assert not platform(datetime(2017, 12, 4, 12)).is_silent
    assert platform(datetime(2017, 12, 4, 14, 31)).working_hours == pytest.approx(4.02)
    assert platform(datetime(2017, 12, 4, 14, 31)).is_silent
    # One that never spoke has its time too, from when anything at all first came.
    others = [row for row in silences(datetime(2017, 12, 4, 8)) if row.source != "unified_platform"]
    assert others and not any(row.is_silent for row in others)
    assert all(row.is_silent for row in silences(datetime(2018, 3, 1)))
    assert not any(row.is_silent for row in silences(BASE))  # nothing was loaded by then


def test_holidays_and_make_up_days_are_known():
    from wangting import working_time

    assert working_time.hours(datetime(2017, 10, 1), datetime(2017, 10, 9)) == 0
    assert (
        working_time.hours(datetime(2017, 9, 30), datetime(2017, 10, 1)) == 6.5
    )  # a Saturday that was worked
    assert working_time.hours(datetime(2017, 10, 9, 12), datetime(2017, 10, 9, 9)) == 0
