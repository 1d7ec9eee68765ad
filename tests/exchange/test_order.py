"""The order inside a case, and what may happen to a record between being read and being sent."""

from datetime import datetime, timedelta

import pytest

from exchange import batches, finals, outbox, queues, settling
from exchange.cut import cut
from exchange.outbox import enqueue, enqueue_backfill
from exchange.push import push
from exchange.reconcile import reconcile
from tests.exchange import lane as lanes
from tests.exchange.lane import BJ, GO_LIVE, NOW, SB, SL, SPCL, judge, passage, states
from wangting import clock, locks
from wangting.errors import WangtingError

BOTH_LEDGERS = True
OLD = GO_LIVE - timedelta(days=20)


def test_a_later_stage_waits_for_an_earlier_one_that_is_to_be_tried_again(lane, receiver):
    case = lane.case(1, GO_LIVE)
    receiver.fault = lambda name, attempt: "3" if name[0] == SL and attempt <= 3 else None
    passage(lane)
    push()
    order = [name[0] for name in receiver.order]
    assert order == [SB, SL, SL, SL, SL, SPCL, BJ]
    assert {name for name in receiver.stored if name[1].startswith(case)} == set(receiver.stored)


def test_a_record_that_failed_five_times_no_longer_makes_its_case_late(lane, receiver):
    lane.case(1, GO_LIVE)
    receiver.fault = lambda name, attempt: "3" if name[0] == SL else None
    passage(lane)
    push()
    clock.advance(timedelta(minutes=10))
    push()
    assert {name[0]: state for name, state in states().items()} == {
        "SB": "ACK", "SL": "RETRY", "SPCL": "ACK", "BJ": "ACK",
    }  # fmt: skip
    assert receiver.attempts[(SL, lanes.case_no(1), 1)] >= 5


def test_an_earlier_stage_that_is_refused_or_held_stops_no_other(lane, receiver):
    case = lane.case(1, GO_LIVE)
    receiver.fault = lambda name, attempt: "reject" if name[0] == SL else None
    passage(lane, held=dict.fromkeys(lane.rows[SPCL], "N1.code"))
    push()
    assert states()[("BJ", case[-4:], 1)] == "ACK"


def test_a_step_waits_for_an_earlier_step_of_its_own_stage(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,))
    steps = [lane.put(SPCL, case, GO_LIVE + timedelta(hours=number), SPBZH=number) for number in (1, 2, 3)]
    receiver.fault = lambda name, attempt: "3" if name[1] == steps[0] and attempt <= 2 else None
    passage(lane)
    push()
    assert [name[1] for name in receiver.order] == [case, steps[0], steps[0], *steps]


def test_everything_waits_while_the_province_has_lost_the_application(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    push()
    del receiver.stored[(SB, case, 1)]
    reconcile(repair=True)
    lane.put(SL, case, GO_LIVE)
    passage(lane)
    receiver.fault = lambda name, attempt: "reject" if name[0] == SB else None
    push()
    lane.put(BJ, case, GO_LIVE)
    passage(lane)
    push()
    assert not {state for name, state in states().items() if name[0] != "SB"} & {"ACK", "SENT"}
    lane.put(SB, case, GO_LIVE, BZ="更正")
    passage(lane)
    receiver.fault = lambda name, attempt: None
    push()
    assert settling.by_state() == {"REJECTED": 1, "ACK": 3}


def test_what_is_overtaken_between_reading_and_sending_is_not_sent(lane, receiver, monkeypatch):
    case = lane.case(1, GO_LIVE, (SB,))
    lane.case(2, GO_LIVE, (SB,))
    passage(lane)
    mark = settling.mark

    def meanwhile(*arguments):
        monkeypatch.setattr(queues.settling, "mark", mark)
        lane.put(SB, case, GO_LIVE, BZ="更正")
        passage(lane)
        return mark(*arguments)

    monkeypatch.setattr(queues.settling, "mark", meanwhile)
    push()
    assert (SB, case, 1) not in receiver.stored
    push()
    assert states() == {("SB", "0001", 1): "SUPERSEDED", ("SB", "0001", 2): "ACK", ("SB", "0002", 1): "ACK"}


def test_a_stage_that_enters_while_its_application_is_acknowledged_is_not_left_waiting(
    lane, receiver, monkeypatch
):
    case = lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    lane.put(SL, case, GO_LIVE)
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enter = outbox._enter

    def meanwhile(*arguments):
        monkeypatch.setattr(outbox, "_enter", enter)
        push()  # after everything was looked up that is looked up before
        return enter(*arguments)

    monkeypatch.setattr(outbox, "_enter", meanwhile)
    enqueue(batch_id)
    assert states() == {("SB", "0001", 1): "ACK", ("SL", "0001", 1): "NEW"}


def test_a_backfill_waits_while_a_batch_is_judged(lane, monkeypatch):
    lane.case(1, OLD)
    passage(lane)
    monkeypatch.setattr(outbox, "_GATE_WAIT", 0.2)
    with locks.writer("gate"), pytest.raises(WangtingError, match="另一个进程"):
        enqueue_backfill()
    assert states() == {}
    assert enqueue_backfill().entered == 4


def test_a_bare_date_that_lies_ahead_is_presented_again_when_its_day_has_come(lane):
    case = lane.case(1, GO_LIVE, (SB,))
    ahead = datetime(
        2017, 12, 1
    )  # a date without a time; its clock begins when it was written, which is past
    lane.put(SL, case, ahead, written_at=NOW - timedelta(hours=1))
    passage(lane, held={f"{SL}|{case}": "L1.future"})
    clock.advance(timedelta(hours=5))
    lane.build()
    assert cut().batch_id is None
    clock.advance(timedelta(hours=1))
    lane.build()
    summary = cut()
    assert summary.represented == 1
    judge(summary.batch_id)
    enqueue(summary.batch_id)
    assert states()[("SL", "0001", 1)] == "BLOCKED"


def test_the_first_sending_stays_known_and_what_was_not_sent_has_none(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,))
    receiver.fault = lambda name, attempt: "3" if attempt == 1 else None
    passage(lane)
    push()
    row = lanes.outbox(SB, case)
    assert row["first_sent_at"] == NOW
    assert row["sent_at"] > NOW
    other = lane.case(2, GO_LIVE, (SB,))
    receiver.fault = lambda name, attempt: "404"
    passage(lane)
    with pytest.raises(WangtingError):
        push()
    row = lanes.outbox(SB, other)
    assert (row["state"], row["attempts"], row["sent_at"], row["first_sent_at"]) == ("NEW", 0, None, None)


def test_a_push_moves_what_is_final(lane, receiver, monkeypatch):
    monkeypatch.setattr(finals, "_WORTH", 1)
    monkeypatch.setattr(finals.move, "__kwdefaults__", {"steps": 10, "is_worth": 1})
    lane.case(1, GO_LIVE)
    passage(lane)
    assert push().archived == 0
    clock.advance(timedelta(days=3))
    assert push().archived == 4
    assert states() == {}
    assert len(batches.committed()) == 1
