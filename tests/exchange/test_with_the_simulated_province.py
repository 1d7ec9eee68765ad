"""The push against the simulator's province: its own reading of the specification, its own bad days."""

import json
import urllib.request
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from exchange.cut import cut
from exchange.outbox import enqueue
from exchange.push import push
from exchange.reconcile import reconcile
from simulator import province
from tests.exchange.lane import BJ, GO_LIVE, SB, SL, SPCL, WSYSL, judge
from wangting import clock, ledger

CASES, STAGES = 60, (SB, WSYSL, SL, SPCL, BJ, "EX_GDBS_LQDJ")


@pytest.fixture
def misbehave(home, monkeypatch):
    """Tell the running province how to behave."""
    connections = province.start(home)
    for name, value in connections.items():
        monkeypatch.setenv(name, value)

    def tell(**manners: float) -> None:
        request = urllib.request.Request(
            connections["PROVINCE_URL"] + "/misbehave",
            data=json.dumps(manners).encode(),
            headers={"Authorization": f"Bearer {connections['PROVINCE_TOKEN']}"},
        )
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).read()

    yield tell
    province.stop(home)


@pytest.mark.parametrize(
    "manners",
    [
        {},
        {"error": 0.3, "seed": 1},
        {"stored_error": 0.3, "receipt3": 0.2, "seed": 2},
        {"duplicate_receipt": 1.0, "slow": 0.2, "slow_seconds": 0.05, "seed": 3},
    ],
    ids=["good", "5xx", "stored and yet 5xx", "twice and slowly"],
)
def test_every_record_is_acknowledged_and_both_sides_agree(lane, misbehave, manners):
    for number in range(CASES):
        lane.case(number, GO_LIVE, STAGES)
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enqueue(batch_id)
    misbehave(**manners)
    summary = push()
    while summary.states.get("RETRY"):
        clock.advance(timedelta(minutes=10))
        summary = push()
    assert summary.states == {"ACK": CASES * len(STAGES)}
    found = reconcile()
    assert found.agrees
    assert sum(day["read_back"] for day in found.days) == CASES * len(STAGES)
    r = ledger.receipts
    doubled = (
        select(r.c.record).where(r.c.code == 0).group_by(r.c.record, r.c.record_key).having(func.count() > 1)
    )
    assert ledger.rows(doubled) == []
