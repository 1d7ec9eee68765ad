"""Expiring licences and likely renewals against a plain Python reading, over licences that nobody wrote."""

from collections import defaultdict
from datetime import date, datetime, timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wangting import clock, dbt_run, landing_views
from wangting.dbt_assembly import assemble
from wangting.site import current_site

pytestmark = pytest.mark.timeout(600)
AS_OF = date(2017, 12, 10)
WINDOW, LEAST = 60, 10


@pytest.fixture(scope="module")
def compiled(house):
    """The model's SQL as dbt compiles it."""
    folder = assemble("warehouse", current_site()).folder
    landing_views.prepare("warehouse", current_site(), {}, {"as_of": clock.now(), "mode": "full"})
    results = dbt_run.invoke(
        "warehouse", folder, ["compile", "--no-introspect", "--select", "licence_renewals"]
    )
    [sql] = [result.node.compiled_code for result in results if result.node.name == "licence_renewals"]
    return sql


def built(sql, licences):
    """(kind, county, month) → counts, share, expectation and back-test of the model."""
    with duckdb.connect() as lane:
        lane.execute("attach ':memory:' as warehouse; attach ':memory:' as marts")
        lane.execute("create schema warehouse.run")
        lane.execute("create table warehouse.run.context (as_of timestamp)")
        lane.execute("insert into warehouse.run.context values (?)", [datetime(2017, 12, 10, 9)])
        lane.execute(
            "create table marts.main.fct_licences (licence_key varchar, licence_kind varchar, county_code varchar,"
            " person_key varchar, legal_person_key varchar, issued_at timestamp, valid_until date)"
        )
        for number, (kind, county, holder, issued, until) in enumerate(licences):
            owner = [holder, None] if kind == "人" else [None, holder]
            lane.execute(
                "insert into marts.main.fct_licences values (?, ?, ?, ?, ?, ?, ?)",
                [str(number), kind, county, *owner, issued, until],
            )
        rows = lane.execute(sql).fetchall()
    return {row[:3]: row[3:] for row in rows}


def months_on(month, count):
    place = month.year * 12 + month.month - 1 + count
    return date(place // 12, place % 12 + 1, 1)


def read(licences):
    """The same by the rules' words."""
    months = defaultdict(lambda: [0, 0, 0])
    for number, (kind, county, holder, issued, until) in enumerate(licences):
        if until is None:
            continue
        cell = months[kind, county, until.replace(day=1)]
        cell[0] += 1
        if (AS_OF - until).days > WINDOW:
            cell[1] += 1
            cell[2] += holder is not None and any(
                other != number
                and (again[0], again[2]) == (kind, holder)
                and again[3] > issued
                and abs((again[3] - until).days) <= WINDOW
                for other, again in enumerate(licences)
            )
    shares = {}
    for kind, county, month in months:
        before = [
            counts
            for (one, place, earlier), counts in months.items()
            if (one, place) == (kind, county)
            and months_on(earlier, 1) - timedelta(days=1) + timedelta(days=WINDOW) < month
        ]
        known, renewed = sum(counts[1] for counts in before), sum(counts[2] for counts in before)
        shares[kind, county, month] = (known, renewed / known if known >= LEAST else None)
    found = {}
    for (kind, county, month), (expiring, settled, renewed) in months.items():
        errors = [
            abs(months[cell][2] - share * months[cell][1])
            for cell, (_, share) in shares.items()
            if cell[:2] == (kind, county) and share is not None and months[cell][0] == months[cell][1]
        ]
        known, share = shares[kind, county, month]
        found[kind, county, month] = (
            expiring, settled, renewed, known, share, None if share is None else share * expiring,
            len(errors), sum(errors) / len(errors) if errors else None,
        )  # fmt: skip
    return found


DAYS = st.integers(0, 500).map(lambda day: date(2016, 10, 1) + timedelta(days=day))
LICENCE = st.tuples(
    st.sampled_from(["人", "企"]), st.sampled_from([None, "445122000000"]), st.sampled_from([None, "a", "b", "c"]),
    DAYS, st.none() | DAYS,
)  # fmt: skip


def same(found, wanted):
    assert set(found) == set(wanted)
    for cell, values in wanted.items():
        assert found[cell] == pytest.approx(values), cell


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(licences=st.lists(LICENCE, max_size=60))
def test_renewals_are_those_of_a_plain_reading(compiled, licences):
    same(built(compiled, licences), read(licences))


def test_the_share_of_those_that_expired_is_applied_to_those_that_will(compiled):
    licences = []
    for number in range(20):
        licences.append(("人", None, f"h{number}", date(2014, 1, 1), date(2017, 3, 15)))
        if number < 15:
            licences.append(("人", None, f"h{number}", date(2017, 3, 1) + timedelta(days=number), None))
    licences += [("人", None, f"n{number}", date(2015, 1, 1), date(2018, 1, 20)) for number in range(8)]
    licences += [("人", None, f"p{number}", date(2015, 1, 1), date(2017, 8, 20)) for number in range(4)]
    found = built(compiled, licences)
    assert found["人", None, date(2017, 3, 1)] == (20, 20, 15, 0, None, None, 1, 3.0)
    assert found["人", None, date(2017, 8, 1)] == (4, 4, 0, 20, 0.75, 3.0, 1, 3.0)
    assert found["人", None, date(2018, 1, 1)] == (8, 0, 0, 24, 0.625, 5.0, 1, 3.0)
    same(found, read(licences))


@pytest.mark.parametrize(("days", "renewed"), [(-61, 0), (-60, 1), (60, 1), (61, 0)])
def test_sixty_days_before_and_after_are_a_renewal_and_a_day_more_is_not(compiled, days, renewed):
    until = date(2017, 6, 1)
    old, new = (
        ("人", None, "a", date(2014, 1, 1), until),
        ("人", None, "a", until + timedelta(days=days), None),
    )
    [values] = built(compiled, [old, new]).values()
    assert values[2] == renewed
