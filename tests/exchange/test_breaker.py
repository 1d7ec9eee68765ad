"""The breaker outlives the process: an outage costs a probe a run, and ends with the first answer."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange import breaker
from exchange.cut import cut
from exchange.outbox import enqueue
from exchange.push import push
from tests.exchange.lane import GO_LIVE, SB, judge
from tests.exchange.provinces import site_with
from wangting import alarms, clock, ledger
from wangting.errors import WangtingError

NAME = "direct/xml"
TEN = timedelta(minutes=10)


def prepare(lane, cases=60):
    for number in range(1, cases + 1):
        lane.case(number, GO_LIVE, (SB,))
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enqueue(batch_id)


def outages():
    return ledger.rows(select(ledger.outages).order_by(ledger.outages.c.outage_id))


@pytest.mark.parametrize("fault", ["500", "drop", "garbage"])
def test_a_long_outage_costs_a_probe_a_run_and_then_everything_flows(lane, receiver, fault):
    prepare(lane)
    receiver.fault = lambda name, attempt: fault
    with pytest.raises(WangtingError, match="停止本次推送"):
        push()
    opened = breaker.standing(NAME)
    assert (opened.state, opened.probes) == ("open", 0)
    assert [alarm["kind"] for alarm in alarms.open_alarms()] == ["receiver"]
    began = clock.now()
    while clock.now() < began + timedelta(hours=6):
        clock.advance(TEN)
        before = len(receiver.heard)
        summary = push()
        assert summary.stopped and "没有应答" in summary.stopped
        assert len(receiver.heard) - before <= 3  # this one answers other questions: two more records may ask
    assert len(outages()) == 1 and outages()[0]["ended_at"] is None
    receiver.fault = lambda name, attempt: None
    clock.advance(TEN)
    summary = push()
    assert summary.states.get("ACK", 0) > 0
    while summary.states != {"ACK": 60}:
        clock.advance(TEN)
        summary = push()
    assert breaker.standing(NAME) == breaker.Standing(NAME)
    assert alarms.open_alarms() == []
    (outage,) = outages()
    assert outage["ended_at"] - outage["began_at"] >= timedelta(hours=6)
    shown = breaker.shown()[0]
    assert (shown["state"], shown["outages"], shown["hours_away"] >= 6) == ("closed", 1, True)


def test_nothing_at_all_is_sent_before_it_is_time(lane, receiver):
    prepare(lane)
    receiver.fault = lambda name, attempt: "500"
    with pytest.raises(WangtingError):
        push()
    before = len(receiver.heard)
    clock.advance(timedelta(seconds=20))
    summary = push()
    assert summary.stopped is not None and NAME in summary.stopped
    assert (summary.attempts, len(receiver.heard)) == (0, before)


def test_who_cannot_wait_asks_at_once_and_everything_flows(lane, receiver):
    prepare(lane)
    receiver.fault = lambda name, attempt: "500"
    with pytest.raises(WangtingError, match="push --now"):
        push()
    receiver.fault = lambda name, attempt: None
    summary = push(ask_now=True)
    assert (summary.stopped, summary.states) == (None, {"ACK": 60})
    assert breaker.standing(NAME) == breaker.Standing(NAME)


def test_the_pauses_between_probes_grow_up_to_the_limit(lane, receiver, monkeypatch, tmp_path):
    site_with(monkeypatch, tmp_path, breaker={"probe_after": ["1 minute", "2 minutes", "5 minutes"]})
    prepare(lane)
    receiver.fault = lambda name, attempt: "drop"
    with pytest.raises(WangtingError):
        push()
    pauses = []
    for _ in range(6):
        standing = breaker.standing(NAME)
        assert standing.probe_at is not None
        pauses.append((standing.probe_at - clock.now()).total_seconds())
        clock.set_simulated(standing.probe_at)
        assert push().stopped
    for pause, most in zip(pauses, (60, 120, 300, 300, 300, 300), strict=True):
        assert most * 0.8 <= pause <= most
    assert len(set(pauses[3:])) > 1  # spread, so that many senders do not come back at the same second


def test_the_first_record_asks_alone_when_it_is_time(lane, receiver):
    prepare(lane)
    receiver.fault = lambda name, attempt: "500"
    with pytest.raises(WangtingError):
        push()
    clock.advance(TEN)
    receiver.heard.clear()
    receiver.fault = lambda name, attempt: "slow"
    push()
    first, second = sorted(receiver.heard, key=lambda each: each[1])[:2]
    assert first[2] <= second[1]  # the others waited for its answer


def test_a_record_that_never_gets_an_answer_does_not_keep_the_breaker_open(
    lane, receiver, monkeypatch, tmp_path
):
    prepare(lane, 3)
    receiver.fault = lambda name, attempt: "drop"
    breaker.opened(breaker.standing(NAME), "试", [timedelta(minutes=1)])
    poisoned = min(name for name in (row["record_key"] for row in ledger.rows(select(ledger.outbox))))
    receiver.fault = lambda name, attempt: "drop" if name[1] == poisoned else None
    clock.advance(TEN)
    summary = push()
    assert summary.states == {"ACK": 2, "RETRY": 1}
    assert breaker.standing(NAME).state == "closed"


def test_a_push_that_died_while_asking_asks_again(lane, receiver):
    prepare(lane, 3)
    breaker.probing(breaker.opened(breaker.standing(NAME), "试", [timedelta(minutes=1)]))
    assert breaker.standing(NAME).state == "half_open"
    assert push().states == {"ACK": 3}
    assert breaker.standing(NAME).state == "closed"


def test_another_way_is_another_receiver(lane, receiver, monkeypatch):
    prepare(lane, 3)
    breaker.opened(breaker.standing("sharing_platform/xml"), "试", [timedelta(minutes=1)])
    assert push().states == {"ACK": 3}
    assert breaker.standing("sharing_platform/xml").state == "open"


def test_a_single_hiccup_opens_nothing(lane, receiver):
    prepare(lane, 60)
    receiver.fault = lambda name, attempt: "500" if attempt == 1 else None
    assert push().states == {"ACK": 60}
    assert breaker.standing(NAME) == breaker.Standing(NAME)
    assert outages() == [] and alarms.open_alarms() == []
