"""The whole way at a million cases, by a make target of its own; `WANGTING_LARGE_CASES` sets another size."""

import os
import shutil
import time
from datetime import date

import pytest

from tests.e2e import city as cities
from tests.e2e import thing_truth, truth
from tests.house.tree import ROOT

pytestmark = [pytest.mark.large, pytest.mark.e2e]
CASES = os.environ.get("WANGTING_LARGE_CASES", "1000000")


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    made = cities.City(tmp_path_factory.mktemp("large") / "var")
    yield made
    made.run("simulate", "down")
    shutil.rmtree(made.home, ignore_errors=True)


@pytest.fixture(scope="module")
def first(city):
    started = time.monotonic()
    city.run("simulate", "up", "--cases", CASES)
    print(f"\nsimulate up {time.monotonic() - started:.0f} s")
    for command in ("pull", "exchange", "build", "publish"):
        started = time.monotonic()
        city.run(command)
        print(f"{command} {time.monotonic() - started:.0f} s")
    return city.remember("first", None)


@pytest.fixture(scope="module")
def later(city, first):
    city.run("simulate", "advance", "--hours", "24")
    started = time.monotonic()
    city.do_everything()
    print(f"\na day later {time.monotonic() - started:.0f} s")
    return city.remember("later", None)


@pytest.mark.parametrize(("moment", "day"), [("first", date(2017, 11, 30)), ("later", date(2017, 12, 1))])
def test_every_metric_equals_the_truth(moment, day, request):
    seen = request.getfixturevalue(moment)
    with truth.connect(seen.truth, seen.marts) as con:
        assert truth.case_differences(con) == []
        assert truth.item_differences(con, day) == []
        assert thing_truth.differences(con, seen.truth, day, ROOT / "sites" / "chaozhou") == []


@pytest.mark.parametrize("moment", ["first", "later"])
def test_what_is_held_and_what_is_acknowledged_is_what_the_truth_says(moment, request):
    seen = request.getfixturevalue(moment)

    def outbox(state):
        return set(seen.ledger(f"select record, record_key from outbox where state = '{state}'"))

    assert outbox("HELD") == set(seen.known(cities.HELD))
    assert outbox("ACK") == set(seen.known(cities.SENDABLE))
    doubled = "select 1 from receipts where code = 0 group by record, record_key, version having count(*) > 1"
    assert seen.ledger(doubled) == []


@pytest.mark.parametrize("moment", ["first", "later"])
def test_every_rule_is_found_where_it_is_broken_and_nowhere_else(city, moment, request):
    seen = request.getfixturevalue(moment)
    batches = [batch for (batch,) in seen.ledger("select batch_id from batches order by cut_at, batch_id")]
    assert truth.finding_differences(seen.truth, city.home, batches) == []
