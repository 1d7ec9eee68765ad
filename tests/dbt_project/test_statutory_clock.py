"""The statutory clock: rule by rule on written rows, and against another reading on whatever can be thought of."""

import csv
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.dbt_project import clock_reading as reading
from tests.dbt_project.clock_models import ClockModels
from tests.dbt_project.clock_reading import Clock, Suspension
from tests.dbt_project.landed import land
from tests.dbt_project.written import CITY_UNIT, Case, item
from wangting.build import build

pytestmark = pytest.mark.timeout(600)
pytest.importorskip("chinese_calendar")
FOREVER = datetime(2026, 12, 31)
WRITTEN = Path(__file__).parent / "clock_rows.csv"


@pytest.fixture(scope="module")
def models(house):
    land("item_catalogue", "items", [item(CITY_UNIT)])
    land("unified_platform", "ex_gdbs_sb", [Case().sb()])
    build("warehouse")
    return ClockModels()


def _moment(text):
    return datetime.fromisoformat(text) if text else None


def _suspension(text):
    """One suspension as the rows write it: kind, its limit and unit if any, and its first and last moment."""
    kind, _, span = text.strip().partition(" ")
    begun, _, ended = span.partition("..")
    limited = kind[1:] if kind[0] in "AB" else ""
    refused = limited.endswith("!")
    limited = limited.rstrip("!")
    return Suspension(
        kind="supplement" if kind == "S" else kind[0],
        started=_moment(begun),
        ended=_moment(ended),
        limit=int(limited[:-1]) if limited else None,
        unit=limited[-1] if limited else None,
        refused=refused,
    )


def _rows():
    with WRITTEN.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            clock = Clock(
                accepted=_moment(row["accepted"]),
                limit=int(row["limit"]),
                unit=row["unit"],
                closed=_moment(row["closed"]),
                suspensions=[_suspension(one) for one in row["suspensions"].split(";") if one],
            )
            yield row, clock


def test_the_written_rows_come_out_to_the_day(models):
    rows = list(_rows())
    assert len(rows) > 300
    cases, _ = models.read([clock for _, clock in rows], FOREVER)
    wrong = {}
    for number, (row, _) in enumerate(rows):
        found = cases[number]
        said = {
            "due": str(found["promised_due_on"] or ""),
            "overdue_from": str(found["promised_overdue_from"] or ""),
            "handling": "" if found["handling_working_days"] is None else str(found["handling_working_days"]),
        }
        expected = {name: row[name] for name in said}
        if said != expected:
            wrong[f"{number} {row['rule']}"] = (said, expected)
    assert wrong == {}


def test_the_other_reading_agrees_with_the_written_rows():
    wrong = []
    for row, clock in _rows():
        said = (str(reading.due(clock, FOREVER) or ""), str(reading.due(clock, FOREVER, beyond=1) or ""))
        if said != (row["due"], row["overdue_from"]):
            wrong.append((row["rule"], said))
    assert wrong == []


def test_every_rule_of_the_clock_has_written_rows():
    assert {row["rule"].split(" ")[0] for row, _ in _rows()} == {f"R{number}" for number in range(1, 8)}


DAYS = [
    # Promised 5 working days, accepted on 27 September 2017; the first week of October is off, 30 September works.
    ("2017-09-27T12:00:00", 5, "running"),
    ("2017-09-28T00:00:00", 4, "running"),
    ("2017-09-30T12:00:00", 2, "running"),
    ("2017-10-08T23:59:59", 2, "running"),
    ("2017-10-09T00:00:00", 1, "warning"),
    ("2017-10-10T23:59:59", 0, "warning"),
    ("2017-10-11T00:00:00", -1, "past_promised"),
    ("2017-10-17T12:00:00", -5, "past_promised"),
    ("2017-10-18T00:00:00", -6, "past_statutory"),
]


@pytest.mark.parametrize(("as_of", "rest", "state"), DAYS)
def test_a_case_warns_and_runs_over_on_its_days(models, as_of, rest, state):
    clock = Clock(datetime(2017, 9, 27, 10), 5)
    _, (found,) = _values(models.read([clock], _moment(as_of), statutory=(10, "G")))
    assert (found["promised_rest_days"], found["clock_state"]) == (rest, state)


def _values(read):
    return tuple(list(part.values()) for part in read)


@pytest.mark.parametrize(
    ("limit", "as_of", "state"),
    [
        (1, "2017-03-10T18:00:00", "running"),  # the Friday of its acceptance
        (1, "2017-03-11T08:00:00", "warning"),  # Saturday: the clock has begun, one day is left of one
        (1, "2017-03-13T08:00:00", "warning"),
        (1, "2017-03-14T00:00:00", "past_promised"),
        (2, "2017-03-11T08:00:00", "running"),
        (2, "2017-03-13T08:00:00", "warning"),
    ],
)
def test_a_one_day_promise_warns_at_once(models, limit, as_of, state):
    _, (found,) = _values(models.read([Clock(datetime(2017, 3, 10, 9), limit)], _moment(as_of)))
    assert found["clock_state"] == state


SUPPLEMENT = Suspension("supplement", datetime(2017, 3, 8, 9), datetime(2017, 3, 14, 16))


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2017-03-07T12:00:00", (4, date(2017, 3, 13), False, "running")),
        ("2017-03-08T08:59:59", (3, date(2017, 3, 13), False, "running")),  # nothing is known of it yet
        ("2017-03-08T09:00:00", (4, None, True, "stopped")),
        ("2017-03-13T12:00:00", (4, None, True, "stopped")),
        ("2017-03-14T15:59:59", (4, None, True, "stopped")),
        (
            "2017-03-14T16:00:00",
            (4, date(2017, 3, 20), True, "stopped"),
        ),  # the day of its return is still one
        ("2017-03-15T00:00:00", (3, date(2017, 3, 20), False, "running")),
    ],
)
def test_a_supplement_freezes_the_rest_and_leaves_no_due_date_until_it_is_back(models, as_of, expected):
    clock = Clock(datetime(2017, 3, 6, 10), 5, suspensions=[SUPPLEMENT])
    _, (found,) = _values(models.read([clock], _moment(as_of)))
    names = ("promised_rest_days", "promised_due_on", "is_stopped", "clock_state")
    assert tuple(found[name] for name in names) == expected


@pytest.mark.parametrize(
    ("as_of", "rest", "warned", "overrun"),
    [
        ("2017-03-08T10:00:00", 4, False, False),
        ("2017-03-09T10:00:00", 3, False, False),
        ("2017-03-10T10:00:00", 2, True, False),
        ("2017-03-14T10:00:00", 0, True, False),
        ("2017-03-15T10:00:00", -1, False, True),
        ("2017-03-21T10:00:00", None, False, False),  # it has ended
    ],
)
def test_a_suspensions_own_clock_warns_at_two_days(models, as_of, rest, warned, overrun):
    inspection = Suspension("B", datetime(2017, 3, 8, 9), datetime(2017, 3, 20, 9), 5, "G")
    _, (found,) = _values(
        models.read([Clock(datetime(2017, 3, 6, 10), 20, suspensions=[inspection])], _moment(as_of))
    )
    names = ("suspension_rest_days", "is_suspension_warned", "is_suspension_overrun")
    assert tuple(found[name] for name in names) == (rest, warned, overrun)


def test_the_example_of_overlapping_suspensions(models):
    special = Suspension("B", datetime(2017, 3, 10, 9), datetime(2017, 3, 16, 9))
    clock = Clock(
        datetime(2017, 3, 6, 10), 5, closed=datetime(2017, 3, 24, 9), suspensions=[SUPPLEMENT, special]
    )
    (found,), _ = _values(models.read([clock], FOREVER, statutory=(10, "G")))
    assert (found["promised_due_on"], found["statutory_due_on"]) == (date(2017, 3, 22), date(2017, 3, 29))
    assert (found["is_closed_on_time"], found["is_closed_within_statutory"]) == (False, True)
    assert found["stopped_working_days"] == 7


def test_a_case_without_a_limit_of_its_own_has_its_items(models):
    clock = Clock(datetime(2017, 3, 6, 10), 0)
    (found,), _ = _values(models.read([clock], FOREVER, statutory=(10, "G")))
    assert (found["promised_due_on"], found["statutory_due_on"]) == (None, date(2017, 3, 20))


# What can be thought of: a case of these years, with up to four suspensions that overlap as they like.
def _suspensions(accepted):
    def made(kind, begins, hour, lasts, is_ended, limit, unit, refused):
        started = datetime.combine(accepted.date() + timedelta(days=begins), time(hour))
        ended = started + timedelta(days=lasts, hours=1) if is_ended else None
        if kind == "supplement":
            return Suspension(kind, started, ended)
        return Suspension(kind, started, ended, limit, unit, refused and kind == "A")

    return st.builds(
        made,
        kind=st.sampled_from(["supplement", "A", "B"]),
        begins=st.integers(-3, 30),
        hour=st.integers(0, 22),
        lasts=st.integers(-1, 20),
        is_ended=st.integers(0, 4).map(bool),
        limit=st.none() | st.integers(0, 12),
        unit=st.sampled_from(["G", "Z", "G", None]),
        refused=st.booleans(),
    )


@st.composite
def clocks(draw):
    accepted = datetime.combine(
        draw(st.dates(date(2015, 1, 1), date(2019, 12, 31))), time(draw(st.integers(0, 23)))
    )
    closes = draw(st.none() | st.integers(0, 60))
    clock = Clock(
        accepted,
        limit=draw(st.integers(1, 25)),
        unit=draw(st.sampled_from("GGZ")),
        closed=None if closes is None else accepted + timedelta(days=closes, hours=2),
    )
    return replace(clock, suspensions=draw(st.lists(_suspensions(accepted), max_size=4)))


# A limit of no days, of which nobody says whether working or natural: no limit is known.
WITHOUT_A_UNIT = Clock(
    datetime(2015, 1, 1, 1), limit=1, suspensions=[Suspension("A", datetime(2015, 1, 1), limit=0)]
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(many=st.lists(clocks(), min_size=1, max_size=12), days=st.integers(0, 50), hour=st.integers(0, 23))
@example(many=[WITHOUT_A_UNIT], days=5, hour=0)
def test_whatever_happens_to_a_case_both_readings_say_the_same(models, many, days, hour):
    as_of = datetime.combine(many[0].accepted.date() + timedelta(days=days), time(hour))
    cases, still_open = models.read(many, as_of, statutory=(20, "G"))
    for number, clock in enumerate(many):
        found = cases[number]
        over = reading.due(clock, FOREVER, beyond=1)
        assert found["promised_due_on"] == reading.due(clock, FOREVER), clock
        assert found["promised_overdue_from"] == over, clock
        statutory = replace(clock, limit=20, unit="G")
        assert found["statutory_due_on"] == reading.due(statutory, FOREVER), clock
        if clock.closed is not None:
            last = clock.closed.date()
            for unit, name in (("G", "handling_working_days"), ("Z", "handling_days")):
                assert found[name] == reading.passed(clock, last, FOREVER, unit), clock
            assert found["is_closed_on_time"] == (clock.limit - reading.passed(clock, last, FOREVER) >= 0), (
                clock
            )
        is_open = clock.accepted <= as_of and (clock.closed is None or clock.closed > as_of)
        assert (number in still_open) == is_open
        if is_open:
            row, today = still_open[number], as_of.date()
            assert row["promised_rest_days"] == clock.limit - reading.passed(clock, today, as_of), clock
            assert row["promised_due_on"] == reading.due(clock, as_of), clock
            stands = today > clock.accepted.date() and reading.standing(clock, today, as_of)[0]
            assert row["is_stopped"] == stands, clock


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(clock=clocks(), more=st.integers(1, 5))
def test_a_longer_limit_is_never_due_earlier_and_a_suspension_never_shortens(models, clock, more):
    longer = replace(clock, limit=clock.limit + more)
    bare = replace(clock, suspensions=[])
    cases, _ = models.read([clock, longer, bare], FOREVER)
    due, later, without = (cases[number]["promised_due_on"] for number in range(3))
    assert due is None or later is None or due < later
    assert due is None or without <= due
