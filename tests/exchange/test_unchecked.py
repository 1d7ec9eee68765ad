"""What the gate could not judge comes before it again by itself, without any change of the data."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select, update

from exchange import batches, unchecked, work
from exchange.cut import cut
from exchange.outbox import enqueue
from tests.exchange import lane as lanes
from tests.exchange.lane import GO_LIVE, SB, SL, judge
from wangting import alarms, clock, ledger


def settle(summary, keys=(), **told):
    """Judge the batch, the records of `keys` as not judged, and hand it over."""
    batch_id = summary.batch_id
    judge(batch_id, **told)
    lost = 0
    for file in batches.folder(batch_id).glob("*.parquet"):
        verdicts = batches.verdict_file(batch_id, file.stem)
        rows = pq.read_table(verdicts).to_pylist()
        for row in rows:
            if row["record_key"] in keys:
                row["outcome"], lost = "unchecked", lost + 1
        pq.write_table(pa.Table.from_pylist(rows), verdicts)
    b = ledger.batches
    with ledger.transaction() as connection:
        values = {"unchecked": lost, "gated_at": clock.now()}
        connection.execute(update(b).where(b.c.batch_id == batch_id).values(**values))
    enqueue(batch_id)
    return summary


def state(case, record=SB):
    row = lanes.outbox(record, case)
    return row["state"], row["outcome"]


def test_the_next_cut_presents_it_again_without_any_change_of_the_data(lane):
    case = lanes.case_no(1)
    lane.put(SB, case, GO_LIVE)
    lane.build()
    settle(cut(), keys=[case])
    assert state(case) == ("HELD", "unchecked")
    assert work.is_anything_due()
    summary = settle(cut())  # not even a build in between
    assert (summary.represented, summary.new) == (1, 0)
    assert state(case) == ("NEW", "passed")
    assert not work.is_anything_due() and cut().mode == "none"


def test_it_does_not_come_again_once_it_was_judged_and_held(lane):
    case = lanes.case_no(1)
    lane.put(SB, case, GO_LIVE)
    lane.build()
    settle(cut(), keys=[case])
    settle(cut(), held={case: "N1.code"})
    assert state(case) == ("HELD", "held")
    lane.build()
    assert cut().batch_id is None


def test_a_correction_takes_the_place_of_what_could_not_be_judged(lane):
    case = lanes.case_no(1)
    lane.put(SB, case, GO_LIVE)
    lane.build()
    settle(cut(), keys=[case])
    lane.put(SB, case, GO_LIVE, BZ="更正")
    lane.build()
    summary = settle(cut())
    assert (summary.represented, summary.corrected) == (0, 1)
    assert lanes.outbox(SB, case, 2)["state"] == "NEW"
    assert cut().mode == "none"


def test_while_the_trouble_lasts_only_a_few_are_tried_and_they_take_turns(lane, monkeypatch):
    monkeypatch.setattr(unchecked, "_PROBE", 2)
    cases = [lanes.case_no(number) for number in range(6)]
    for case in cases:
        lane.put(SB, case, GO_LIVE)
    lane.build()
    settle(cut(), keys=cases)
    tried = []
    for _ in range(3):
        clock.advance(timedelta(minutes=10))
        summary = settle(cut(), keys=cases)
        tried += (
            pq.read_table(batches.record_file(summary.batch_id, SB.lower())).column("record_key").to_pylist()
        )
    assert sorted(tried) == sorted(cases)  # two a run, each once
    clock.advance(timedelta(minutes=10))
    assert settle(cut()).represented == 2  # it is over: the next two are judged
    clock.advance(timedelta(minutes=10))
    assert settle(cut()).represented == 4  # and now all the others at once
    assert {state(case) for case in cases} == {("NEW", "passed")}


def test_after_an_hour_of_trouble_it_is_tried_once_an_hour(lane):
    case = lanes.case_no(1)
    lane.put(SB, case, GO_LIVE)
    lane.build()
    settle(cut(), keys=[case])
    alarms.raise_alarm("unchecked", f"{SB}/N1.code", "x", "y")
    attempts = 0
    for _ in range(24):  # four hours of ten minutes
        clock.advance(timedelta(minutes=10))
        if work.is_anything_due():
            settle(cut(), keys=[case])
            attempts += 1
    assert attempts in (8, 9)
    alarms.clear("unchecked", f"{SB}/N1.code")
    assert work.is_anything_due()


def test_one_record_type_in_trouble_does_not_hold_up_another(lane):
    case = lane.case(1, GO_LIVE)
    lane.build()
    settle(cut(), keys=[row["record_key"] for row in ledger.rows(select(ledger.outbox))] or [case])
    before = {
        row["record"]
        for row in ledger.rows(select(ledger.outbox).where(ledger.outbox.c.outcome == "unchecked"))
    }
    assert SB in before and SL in before
    settle(cut())
    states = {row["state"] for row in ledger.rows(select(ledger.outbox))}
    assert states == {"NEW", "BLOCKED"}
