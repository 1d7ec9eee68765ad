"""The outbox: who enters, in which state, and when the 12 hours begin."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from exchange import batches
from exchange.cut import cut
from exchange.outbox import enqueue, enqueue_backfill
from exchange.passage import judge_and_enqueue
from tests.exchange import lane as lanes
from tests.exchange.lane import BJ, GO_LIVE, SB, SL, SPCL, judge, outbox, passage, states
from wangting import ledger
from wangting.errors import WangtingError

BOTH_LEDGERS = True
OLD = GO_LIVE - timedelta(days=20)


def set_state(record, case, state, version=1):
    """Bring a record version to a state on a way that the states allow."""
    ways = {"HELD": ["HELD"], "NEW": ["NEW"]}
    o = ledger.outbox
    for step in ways.get(state, ["NEW", "SENT", state]):
        with ledger.transaction() as connection:
            connection.execute(
                update(o)
                .where(o.c.record == record, o.c.case_no == case, o.c.version == version)
                .values(state=step)
            )


def test_applications_may_go_and_later_stages_wait_for_them(lane):
    lane.case(1, GO_LIVE)
    passage(lane)
    assert states() == {
        ("SB", "0001", 1): "NEW",
        ("SL", "0001", 1): "BLOCKED",
        ("SPCL", "0001", 1): "BLOCKED",
        ("BJ", "0001", 1): "BLOCKED",
    }


def test_a_batch_that_was_not_judged_does_not_enter(lane):
    lane.case(1, GO_LIVE)
    lane.build()
    with pytest.raises(WangtingError, match="还没有经过校验"):
        enqueue(cut().batch_id)


def test_a_record_without_a_verdict_is_held(lane):
    case = lane.case(1, GO_LIVE)
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    import pyarrow.parquet as pq

    file = batches.verdict_file(batch_id, "ex_gdbs_sb")
    pq.write_table(pq.read_table(file).slice(0, 0), file)
    enqueue(batch_id)
    assert outbox(SB, case)["state"] == "HELD"


def test_a_case_from_before_the_go_live_waits_outside(lane):
    lane.case(1, OLD)
    assert passage(lane).waiting == 4
    assert states() == {}


def test_what_is_held_of_a_waiting_case_is_in_the_outbox_and_counted(lane):
    case = lane.case(1, OLD)
    passage(lane, held={f"{BJ}|{case}": "C3.return_reason"})
    assert states() == {("BJ", "0001", 1): "HELD"}
    assert outbox(BJ, case)["rules"] == "C3.return_reason"


def test_a_waiting_case_that_becomes_live_is_sent_whole_with_its_older_records(lane):
    case = lane.case(1, OLD, (SB, SL))
    passage(lane)
    lane.put(BJ, case, GO_LIVE + timedelta(hours=2))
    passage(lane)
    assert states() == {
        ("SB", "0001", 1): "NEW",
        ("SL", "0001", 1): "BLOCKED",
        ("BJ", "0001", 1): "BLOCKED",
    }
    assert [outbox(record, case)["is_backfill"] for record in (SB, SL, BJ)] == [True, True, False]


def test_a_held_live_record_puts_its_case_on_its_way_too(lane):
    case = lane.case(1, OLD, (SB, SL))
    passage(lane)
    lane.put(BJ, case, GO_LIVE)
    passage(lane, held={case: "C3.licence_details"})
    assert states()[("SB", "0001", 1)] == "NEW"
    assert states()[("BJ", "0001", 1)] == "HELD"


def test_only_the_latest_version_of_a_waiting_record_goes(lane):
    case = lane.case(1, OLD, (SB,))
    passage(lane)
    lane.put(SB, case, OLD, BZ="更正")
    passage(lane)
    lane.put(SL, case, GO_LIVE)
    passage(lane)
    assert states() == {("SB", "0001", 2): "NEW", ("SL", "0001", 1): "BLOCKED"}


def test_a_held_record_passes_when_its_parent_arrives(lane):
    case = lanes.case_no(1)
    lane.put(SL, case, GO_LIVE, has_application=False)
    passage(lane, held={case: "C2.has_application"})
    assert states() == {("SL", "0001", 1): "HELD"}
    lane.put(SB, case, GO_LIVE)
    lane.put(SL, case, GO_LIVE)
    passage(lane)
    assert states() == {("SB", "0001", 1): "NEW", ("SL", "0001", 1): "BLOCKED"}
    assert outbox(SL, case)["rules"] is None


def test_a_held_record_of_a_waiting_case_that_passes_now_waits_with_its_case(lane):
    case = lanes.case_no(1)
    lane.put(SL, case, OLD, has_application=False)
    passage(lane, held={case: "C2.has_application"})
    lane.put(SB, case, OLD)
    lane.put(SL, case, OLD)
    passage(lane)
    assert states() == {}
    enqueue_backfill()
    assert states() == {("SB", "0001", 1): "NEW", ("SL", "0001", 1): "BLOCKED"}


def test_a_correction_overtakes_what_was_held_or_not_sent(lane):
    case = lane.case(1, GO_LIVE, (SB, SL))
    passage(lane, held={f"{SL}|{case}": "N1.code"})
    lane.put(SB, case, GO_LIVE, BZ="更正")
    lane.put(SL, case, GO_LIVE, BZ="更正")
    assert passage(lane).superseded == 2
    assert states() == {
        ("SB", "0001", 1): "SUPERSEDED",
        ("SB", "0001", 2): "NEW",
        ("SL", "0001", 1): "SUPERSEDED",
        ("SL", "0001", 2): "BLOCKED",
    }


def test_what_was_sent_is_never_overtaken(lane):
    case = lane.case(1, GO_LIVE, (SB, SL))
    passage(lane)
    set_state(SB, case, "ACK")
    set_state(SL, case, "REJECTED")
    lane.put(SB, case, GO_LIVE, BZ="更正")
    lane.put(SL, case, GO_LIVE, BZ="更正")
    passage(lane)
    assert states() == {
        ("SB", "0001", 1): "ACK",
        ("SB", "0001", 2): "NEW",
        ("SL", "0001", 1): "REJECTED",
        ("SL", "0001", 2): "NEW",
    }


def test_a_correction_of_a_held_record_of_a_waiting_case_ends_the_holding(lane):
    case = lane.case(1, OLD, (SB,))
    passage(lane, held={case: "N1.code"})
    lane.put(SB, case, OLD, BZ="更正")
    passage(lane)
    assert states() == {("SB", "0001", 1): "SUPERSEDED"}
    lane.put(SL, case, OLD)
    passage(lane)  # a case that was only ever held still waits
    assert states() == {("SB", "0001", 1): "SUPERSEDED"}


def test_a_later_stage_of_an_acknowledged_case_may_go_at_once(lane):
    case = lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    set_state(SB, case, "ACK")
    lane.put(SL, case, GO_LIVE + timedelta(hours=1))
    passage(lane)
    assert states()[("SL", "0001", 1)] == "NEW"


def test_the_backfill_brings_everything_that_passed_and_changes_nothing_twice(lane):
    held = lane.case(1, OLD)
    lane.case(2, OLD)
    passage(lane, held={f"{SL}|{held}": "N1.code"})
    enqueue_backfill()
    before = states()
    assert len(before) == 8
    assert before[("SL", "0001", 1)] == "HELD"
    enqueue_backfill()
    assert states() == before


def test_a_correction_of_a_backfilled_case_follows_it(lane):
    case = lane.case(1, OLD, (SB,))
    passage(lane)
    enqueue_backfill()
    set_state(SB, case, "ACK")
    lane.put(SB, case, OLD, BZ="更正")
    passage(lane)
    assert states()[("SB", "0001", 2)] == "NEW"


def test_enqueueing_again_changes_nothing(lane):
    lane.case(1, GO_LIVE)
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enqueue(batch_id)
    before = ledger.rows(select(ledger.outbox))
    with ledger.transaction() as connection:  # as after a crash before the last transaction
        connection.execute(update(ledger.batches).values(state="gated"))
    enqueue(batch_id)
    assert ledger.rows(select(ledger.outbox)) == before


def test_batches_enter_in_the_order_they_were_cut(lane):
    lane.case(1, GO_LIVE)
    lane.build()
    judge(cut().batch_id)
    lane.case(2, GO_LIVE)
    lane.build()
    second = cut().batch_id
    judge(second)
    with pytest.raises(WangtingError, match="更早的批次"):
        enqueue(second)
    assert [passed.batch_id for passed in judge_and_enqueue()] == [
        batch["batch_id"] for batch in batches.committed()
    ]
    assert ledger.rows(select(func.count().label("n")).select_from(ledger.outbox))[0]["n"] == 8


@pytest.mark.parametrize(
    ("record", "at", "written_at", "clock_at"),
    [
        (SL, GO_LIVE + timedelta(hours=1), None, GO_LIVE + timedelta(hours=1)),
        (SPCL, datetime(2017, 12, 1), datetime(2017, 12, 1, 9, 30), datetime(2017, 12, 1, 9, 30)),
        (BJ, None, GO_LIVE, None),
    ],
)
def test_the_clock_begins_at_the_business_time_or_for_a_bare_date_when_it_was_written(
    lane, record, at, written_at, clock_at
):
    case = lanes.case_no(1)
    lane.put(record, case, at, written_at=written_at)
    passage(lane)
    row = outbox(record, case)
    assert row["clock_at"] == clock_at
    assert row["due_at"] == (clock_at + timedelta(hours=12) if clock_at else None)


def test_a_correction_does_not_inherit_a_clock_that_lay_ahead_even_of_itself(lane):
    case = lanes.case_no(1)
    lane.put(SB, case, GO_LIVE + timedelta(days=300), written_at=GO_LIVE)
    passage(lane)
    lane.put(SB, case, GO_LIVE, written_at=GO_LIVE + timedelta(hours=5))
    passage(lane)
    assert outbox(SB, case, 2)["clock_at"] == GO_LIVE


@pytest.mark.parametrize(
    ("state", "clock_at"),
    [
        ("ACK", GO_LIVE + timedelta(hours=5)),
        ("REJECTED", GO_LIVE),
        ("HELD", GO_LIVE),
        ("NEW", GO_LIVE),
    ],
)
def test_a_correction_has_its_own_clock_only_after_an_acknowledgement(lane, state, clock_at):
    case = lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    set_state(SB, case, state)
    lane.put(SB, case, GO_LIVE, written_at=GO_LIVE + timedelta(hours=5), BZ="更正")
    passage(lane)
    assert outbox(SB, case, 2)["clock_at"] == clock_at
