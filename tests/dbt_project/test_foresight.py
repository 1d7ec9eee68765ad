"""Foresight against a plain Python reading of its rules, over series and applicants that nobody wrote."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import permutations

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from wangting import clock, dbt_run, landing_views
from wangting.dbt_assembly import assemble
from wangting.site import current_site

pytestmark = pytest.mark.timeout(600)
FIRST = 2015 * 12 + 1
ALPHAS = {"smoothed_20": 0.2, "smoothed_50": 0.5, "smoothed_80": 0.8}
OFTEN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def compiled(house):
    """The models' SQL as dbt compiles it, to be run over tables of our own."""
    folder = assemble("warehouse", current_site()).folder
    landing_views.prepare("warehouse", current_site(), {}, {"as_of": clock.now(), "mode": "full"})
    results = dbt_run.invoke(
        "warehouse",
        folder,
        ["compile", "--no-introspect", "--select", "demand_forecasts", "int_applicant_pairs", "item_pairs"],
    )
    return {result.node.name: result.node.compiled_code for result in results}


@pytest.fixture
def lane():
    """A connection with empty files of the lane's names."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("attach ':memory:' as marts")
        yield connection


def forecast(values, target, horizon, method):
    """What the method says of a month, from what was known `horizon` months before it."""
    known = values[: target - horizon + 1]
    if method == "seasonal_naive":
        return float(values[target - 12] if target >= 12 else known[-1])
    weights = [(1 - ALPHAS[method]) ** age for age in range(len(known))]
    return sum(weight * value for weight, value in zip(weights, reversed(known), strict=True)) / sum(weights)


def expected(values, horizon):
    """Method, forecast, errors and back-tests of one series for so many months ahead."""
    end = len(values)
    tested = list(range(max(2 + horizon, end - 12), end))
    errors = {
        method: [values[target] - forecast(values, target, horizon, method) for target in tested]
        for method in ("seasonal_naive", *ALPHAS)
    }
    mean = {name: sum(map(abs, found)) / len(found) for name, found in errors.items() if found}
    method = "seasonal_naive"
    if len(tested) >= 6:
        best = min(ALPHAS, key=lambda name: (mean[name], name))
        if mean[best] < 0.95 * mean["seasonal_naive"]:
            method = best
    return {
        "method": method,
        "expected": forecast(values, end - 1 + horizon, horizon, method),
        "tested": len(tested),
        "error": mean.get(method),
        "naive": mean.get("seasonal_naive"),
        "errors": errors[method],
    }


def forecasts(lane, sql, series):
    """What the model says, by series and months ahead."""
    lane.execute(
        "create or replace table warehouse.main.int_demand_months"
        " (item_code varchar, region_code varchar, month_on date, month_no int, case_count bigint)"
    )
    longest = max(map(len, series.values()))
    rows = [
        (item, "r", date((number - 1) // 12, (number - 1) % 12 + 1, 1), number, value)
        for item, values in series.items()
        for number, value in enumerate(values, FIRST + longest - len(values))
    ]
    lane.executemany("insert into warehouse.main.int_demand_months values (?, ?, ?, ?, ?)", rows)
    found = lane.execute(sql)
    names = [column[0] for column in found.description]
    return {
        (row["item_code"], row["horizon_months"]): row
        for row in (dict(zip(names, line, strict=True)) for line in found.fetchall())
    }, FIRST + longest - 1


ALTERNATING = {"a": [0, 10] * 6}
YEARLY = {"a": [1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 30, 40] * 2}


@given(
    st.dictionaries(
        st.sampled_from("abc"), st.lists(st.integers(0, 40), min_size=1, max_size=30), min_size=1, max_size=3
    )
)
@example(ALTERNATING)
@example(YEARLY)
@example({"a": [5] * 20, "b": [3]})
@OFTEN
def test_every_forecast_its_method_and_its_errors_are_those_of_a_plain_reading(compiled, lane, series):
    found, last = forecasts(lane, compiled["demand_forecasts"], series)
    assert set(found) == {(item, horizon) for item in series for horizon in (1, 2, 3)}
    for (item, horizon), row in found.items():
        wanted = expected(series[item], horizon)
        number = last + horizon - 1
        assert row["month_on"] == date(number // 12, number % 12 + 1, 1)
        assert row["backtest_count"] == wanted["tested"]
        if wanted["error"] is None:
            assert row["mean_error"] is None
        else:
            assert row["naive_mean_error"] == pytest.approx(wanted["naive"])
            # Two methods whose errors differ in the last bit may change places; which is said, and it is as good.
            assert row["mean_error"] == pytest.approx(wanted["error"])
        if row["method"] == wanted["method"]:
            assert row["expected_count"] == pytest.approx(wanted["expected"])
        if wanted["tested"] < 6:
            assert row["low_count"] is None and row["high_count"] is None
        else:
            assert 0 <= row["low_count"] <= row["high_count"]
            assert row["high_count"] <= max(row["expected_count"] + max(wanted["errors"]), 0) + 1e-6 or (
                row["method"] != wanted["method"]
            )


def test_smoothing_takes_over_only_where_the_back_test_says_so(compiled, lane):
    swinging, _ = forecasts(lane, compiled["demand_forecasts"], ALTERNATING)
    assert swinging["a", 1]["method"] == "smoothed_20"
    assert swinging["a", 1]["mean_error"] < 0.95 * swinging["a", 1]["naive_mean_error"]
    yearly, _ = forecasts(lane, compiled["demand_forecasts"], YEARLY)
    assert {row["method"] for row in yearly.values()} == {"seasonal_naive"}
    assert [yearly["a", horizon]["expected_count"] for horizon in (1, 2, 3)] == [1, 2, 3]


FLOOR, AGENT, WITHIN = 10, 30, 90


def pairs_of(visits):
    """Support, confidence and lift of each pair of items, from each applicant's first application for each."""
    first = defaultdict(dict)
    for person, item, day in visits:
        first[person][item] = min(day, first[person].get(item, day))
    kept = [mine for mine in first.values() if len(mine) <= AGENT]
    items = Counter(item for mine in kept for item in mine)
    together = Counter()
    for mine in kept:
        for one, other in permutations(mine, 2):
            gap = (mine[other] - mine[one]).days
            if 0 <= gap <= WITHIN:
                together[one, other, "follows" if gap else "accompanies"] += 1
    return {
        pair: (
            count,
            count / len(kept),
            count / items[pair[0]],
            count * len(kept) / (items[pair[0]] * items[pair[1]]),
        )
        for pair, count in together.items()
        if count >= FLOOR
    }


def pairs(lane, compiled, visits):
    """What the models say of the same applications."""
    lane.execute("drop table if exists warehouse.main.int_case_applicants")
    lane.execute(
        "create or replace table marts.main.fct_cases (case_no int, item_code varchar, applied_at timestamp)"
    )
    lane.execute("create table warehouse.main.int_case_applicants (case_no int, applicant_key varchar)")
    for number, (person, item, day) in enumerate(visits):
        lane.execute("insert into marts.main.fct_cases values (?, ?, ?)", [number, item, day])
        lane.execute("insert into warehouse.main.int_case_applicants values (?, ?)", [number, f"N{person}"])
    told = compiled["int_applicant_pairs"]
    lane.execute(f"create or replace table warehouse.main.int_applicant_pairs as {told}")
    return {
        (one, other, kind): (count, *shares)
        for one, other, kind, count, *shares in lane.execute(compiled["item_pairs"]).fetchall()
    }


def _visit(person, item, after):
    return person, item, date(2017, 3, 1) + timedelta(days=after)


TEN = [
    _visit(person, item, after) for person in range(10) for item, after in (("a", 0), ("b", 90), ("c", 181))
]
NINE = [_visit(person, item, 0) for person in range(9) for item in ("a", "b")]
AN_AGENT = [_visit(0, f"i{number}", number) for number in range(AGENT + 1)]


@given(
    st.lists(
        st.builds(_visit, st.integers(0, 25), st.sampled_from("abc"), st.sampled_from([0, 0, 1, 90, 91])),
        min_size=30,
        max_size=90,
    )
)
@example(TEN)
@example(NINE)
@example(TEN + AN_AGENT)
@settings(OFTEN, max_examples=15)
def test_pairs_of_items_are_those_of_a_plain_reading(compiled, lane, visits):
    found, wanted = pairs(lane, compiled, visits), pairs_of(visits)
    assert set(found) == set(wanted)
    for pair, values in wanted.items():
        assert found[pair] == pytest.approx(values)


def test_a_pair_of_fewer_than_ten_applicants_is_never_shown(compiled, lane):
    assert pairs(lane, compiled, NINE) == {}
    assert pairs(lane, compiled, TEN) == {("a", "b", "follows"): (10, 1.0, 1.0, 1.0)}
