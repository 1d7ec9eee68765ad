"""Final rows in Parquet: what moves, that everything still sees it, and that a kill loses and doubles nothing."""

import os
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exchange import deadline, final_files, finals, history, settling
from exchange.outbox import enqueue_backfill
from exchange.push import push
from exchange.reading import status
from exchange.reconcile import reconcile
from exchange.tracing import trace
from tests.exchange import lane as lanes
from tests.exchange.lane import BJ, GO_LIVE, SB, SL, SPCL, outbox, passage, states
from wangting import clock, engine, ledger, locks

BOTH_LEDGERS = True
OLD = GO_LIVE - timedelta(days=40)
LATER = timedelta(days=3)
COLUMNS = ["record", "record_key", "version", "case_no", "state"]


def everything():
    """Every record version that there ever was, with its state."""
    with engine.connect() as work:
        rows = work.execute(
            f"select {', '.join(COLUMNS)} from {history.relation(work, columns=COLUMNS)}"
        ).fetchall()
    assert len({row[:3] for row in rows}) == len(rows)
    return sorted(rows)


def receipts():
    """Every receipt that there ever was, by its number."""
    with engine.connect() as work:
        cases = {row[3] for row in everything()}
        found = [row["receipt_id"] for case in cases for row in history.receipts_of_case(work, case)]
    assert len(set(found)) == len(found)
    return sorted(found)


def in_ledger():
    return ledger.rows(select(func.count().label("n")).select_from(ledger.outbox))[0]["n"]


def sent(lane, receiver, cases=3):
    """Cases that went the whole way, three days ago."""
    for number in range(1, cases + 1):
        lane.case(number, GO_LIVE)
    passage(lane)
    push()
    clock.advance(LATER)


def test_what_is_acknowledged_for_long_leaves_the_ledger_and_is_still_seen_everywhere(lane, receiver):
    sent(lane, receiver)
    before, said, duty = everything(), receipts(), deadline.figures(clock.now())
    assert finals.archive().rows == 12
    assert in_ledger() == 0
    assert ledger.rows(select(ledger.receipts)) == []
    assert (everything(), receipts(), deadline.figures(clock.now())) == (before, said, duty)
    assert duty.on_time == 12
    earlier = deadline.figures(GO_LIVE + timedelta(hours=13))
    assert (earlier.due, earlier.not_due_acknowledged) == (6, 6)
    assert settling.by_state() == {"ACK": 12}
    assert {row["record"]: (row["ACK"], row["final"]) for row in status()["outbox"]} == dict.fromkeys(
        (SB, SL, SPCL, BJ), (3, 3)
    )
    found = trace(lanes.case_no(2))
    assert [row["state"] for row in found["outbox"]] == ["ACK"] * 4
    assert len(found["receipts"]) == 4
    assert reconcile().agrees
    assert finals.archive().rows == 0


def test_a_case_with_an_open_row_stays_whole(lane, receiver):
    refused = lane.case(1, GO_LIVE)
    lane.case(2, GO_LIVE)
    receiver.fault = lambda name, attempt: "reject" if name[:2] == (BJ, refused) else None
    passage(lane)
    push()
    clock.advance(LATER)
    assert finals.archive().rows == 4
    assert {name[1] for name in states()} == {"0001"}
    receiver.fault = lambda name, attempt: None
    lane.put(BJ, refused, GO_LIVE + timedelta(hours=3), BZ="更正")
    passage(lane)
    push()
    assert finals.archive().rows == 0
    clock.advance(LATER)
    assert finals.archive().rows == 5  # the refused version too: a newer one is acknowledged
    assert settling.by_state() == {"ACK": 8, "REJECTED": 1}
    assert deadline.figures(clock.now()).due == 8


def test_what_was_acknowledged_lately_stays_in_the_ledger(lane, receiver, monkeypatch):
    lane.case(1, GO_LIVE)
    passage(lane)
    push()
    clock.advance(timedelta(days=2) - timedelta(seconds=1))
    assert finals.archive().rows == 0
    clock.advance(timedelta(seconds=1))
    assert finals.archive().rows == 4


def test_a_later_stage_of_a_final_case_may_go_at_once(lane, receiver):
    lane.case(1, OLD, (SB, SL))
    passage(lane)
    push(backfill=True)
    clock.advance(LATER)
    finals.archive()
    lane.put(BJ, lanes.case_no(1, OLD.date()), OLD + timedelta(hours=5))
    passage(lane)
    # Its case is in exchange, though its own time is from before the go-live, and its application is acknowledged.
    assert states() == {("BJ", "0001", 1): "NEW"}
    assert push().acknowledged == 1


@pytest.mark.parametrize("state", ["ACK", "REJECTED"])
def test_a_correction_of_a_final_record_has_its_own_clock(lane, receiver, state):
    case = lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    push()
    clock.advance(LATER)
    finals.archive()
    written = GO_LIVE + timedelta(days=4)
    lane.put(SB, case, GO_LIVE, written_at=written, BZ="更正")
    passage(lane)
    assert states() == {("SB", "0001", 2): "NEW"}
    assert outbox(SB, case, 2)["clock_at"] == written
    push()
    assert settling.by_state() == {"ACK": 2}


def test_a_backfill_does_not_bring_back_what_is_final(lane, receiver):
    lane.case(1, OLD)
    passage(lane)
    push(backfill=True)
    clock.advance(LATER)
    finals.archive()
    before = len(receiver.heard)
    enqueue_backfill()
    assert in_ledger() == 0
    push(backfill=True)
    assert len(receiver.heard) == before


def test_a_final_record_that_the_province_lost_goes_again_and_becomes_final_again(lane, receiver):
    sent(lane, receiver)
    finals.archive()
    case = lanes.case_no(2)
    first = next(row for row in trace(case)["outbox"] if row["record"] == SB)
    duty = deadline.figures(clock.now())
    del receiver.stored[(SB, case, 1)]
    assert reconcile(repair=True).repaired == 1
    assert states() == {("SB", "0002", 1): "RETRY"}
    assert settling.by_state() == {"ACK": 11, "RETRY": 1}
    assert len(everything()) == 12
    assert push().acknowledged == 1
    assert outbox(SB, case)["acked_at"] == first["acked_at"]
    assert outbox(SB, case)["first_sent_at"] == first["first_sent_at"]
    assert deadline.figures(clock.now()) == duty
    finals.archive()
    assert in_ledger() == 0
    assert len(everything()) == 12
    assert settling.by_state() == {"ACK": 12}
    assert len(receipts()) == 13
    assert reconcile().agrees


def test_many_small_files_of_a_month_become_one(lane, receiver, monkeypatch):
    monkeypatch.setattr(finals, "_MANY", 3)
    for number in range(1, 6):
        lane.case(number, GO_LIVE, (SB, SL))
        lane.case(number, OLD, (SB,))
        passage(lane)
        push(backfill=True)
        if number == 2:
            del receiver.stored[(SL, lanes.case_no(1), 1)]
            reconcile(repair=True)
        clock.advance(LATER)
        finals.archive()
    files = final_files.now_there()
    assert 2 <= len(files.known) <= 6
    assert sum(file["rows"] for file in files.known) == 15 + len(files.recalls)
    assert len(everything()) == 15
    assert len(receipts()) == 16  # one record was sent twice
    push()
    clock.advance(LATER)
    finals.archive()
    there = {
        path for path in final_files.folder().glob("case_month=*/*.parquet") if "receipts" not in path.name
    }
    assert set(final_files.now_there().paths) <= there
    assert len(everything()) == 15


def test_a_check_that_finds_too_little_moves_nothing_until_a_day_has_passed(lane, receiver):
    sent(lane, receiver)
    finals.archive()
    lane.case(9, GO_LIVE)
    passage(lane)
    push()
    clock.advance(LATER)
    with ledger.transaction() as connection:
        connection.execute(ledger.final_mark.update().values(searched_at=clock.now() - timedelta(hours=23)))
    assert finals.move().rows == 0
    clock.advance(timedelta(hours=2))
    assert finals.move().rows == 4


def test_nothing_moves_while_another_process_judges(lane, receiver):
    sent(lane, receiver)
    with locks.writer("gate"):
        assert finals.move(is_worth=0).is_busy
    assert in_ledger() == 12


def test_a_crash_leaves_files_that_do_not_count_and_go_away(lane, receiver, monkeypatch):
    sent(lane, receiver)
    before = everything()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(finals, "_commit", killed)
        finals.archive()
    left = set(final_files.folder().rglob("*.parquet"))
    assert left
    assert everything() == before
    assert finals.archive().rows == 12
    assert everything() == before
    assert not left & set(final_files.folder().rglob("*.parquet"))


PROGRAM = """
import sys
from exchange import finals
finals._STEP = 40
finals._MANY = 3
finals.archive()
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_move_killed_at_any_moment_loses_nothing_and_doubles_nothing(lane, receiver, seed):
    for number in range(1, 41):
        lane.case(number, GO_LIVE if number % 2 else OLD)
    passage(lane)
    push(backfill=True)
    clock.advance(LATER)
    before, said, duty = everything(), receipts(), deadline.figures(clock.now())
    root = str(Path(__file__).resolve().parents[2])
    chance = random.Random(seed)
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], cwd=root, env=os.environ | {"PYTHONPATH": root}
        )
        folder = lane.home / "finals"
        while process.poll() is None and not (folder.is_dir() and any(folder.iterdir())):
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.25))
        process.kill()
        process.wait()
        assert everything() == before
        assert deadline.figures(clock.now()) == duty
    finals.archive()
    assert (in_ledger(), everything(), receipts()) == (0, before, said)
    counted = {file["path"] for file in final_files.now_there().known}
    finals.archive()
    there = {
        str(path.relative_to(lane.home))
        for path in (lane.home / "finals").rglob("*.parquet")
        if not path.name.endswith(".receipts.parquet")
    }
    assert there == counted
