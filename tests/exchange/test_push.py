"""The push against a province that behaves as it is told: order, retries, crashes, and the 12 hours."""

import itertools
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from exchange import deadline
from exchange.push import push
from tests.exchange import lane as lanes
from tests.exchange.lane import BJ, GO_LIVE, NOW, SB, SL, SPCL, WSYSL, outbox, passage, states
from wangting import clock, ledger, locks
from wangting.errors import WangtingError

ALL = (
    SB,
    WSYSL,
    SL,
    SPCL,
    "EX_GDBS_BJGZ",
    "EX_GDBS_BJSL",
    "EX_GDBS_TBCXSQ",
    "EX_GDBS_TBCXJG",
    BJ,
    "EX_GDBS_LQDJ",
)
BOTH_LEDGERS = True
OLD = GO_LIVE - timedelta(days=20)


def counts():
    return ledger.rows(select(func.count().label("n")).select_from(ledger.receipts))[0]["n"]


def test_every_stage_goes_in_order_and_the_whole_case_is_acknowledged(lane, receiver):
    for number in range(1, 40):
        lane.case(number, OLD, ALL) if number % 2 else lane.case(number, GO_LIVE, ALL)
    passage(lane)
    summary = push()
    live = 19
    assert summary.acknowledged == live * 10
    assert summary.states == {"ACK": live * 10}
    arrived = [name[0] for name in receiver.order]
    assert arrived == sorted(arrived, key=ALL.index)
    assert len(receiver.stored) == live * 10


def test_a_second_push_sends_nothing(lane, receiver):
    lane.case(1, GO_LIVE)
    passage(lane)
    push()
    before = len(receiver.heard)
    assert push().attempts == 0
    assert len(receiver.heard) == before


def test_later_stages_wait_until_their_application_is_acknowledged(lane, receiver):
    good, bad = lane.case(1, GO_LIVE), lane.case(2, GO_LIVE)
    receiver.fault = lambda name, attempt: "reject" if name[:2] == (SB, bad) else None
    passage(lane)
    summary = push()
    assert (summary.acknowledged, summary.rejected) == (4, 1)
    assert {name[1][:29] for name in receiver.order if name[0] != SB} == {good}
    assert states()[("SL", "0002", 1)] == "BLOCKED"
    assert "编码不存在" in outbox(SB, bad)["receipt_text"]
    push()
    assert receiver.attempts[(SB, bad, 1)] == 1  # what was refused needs a correction, not another try


def test_a_correction_after_a_rejection_goes_by_itself_and_opens_the_way(lane, receiver):
    case = lane.case(1, GO_LIVE)
    receiver.fault = lambda name, attempt: "reject" if name == (SB, case, 1) else None
    passage(lane)
    push()
    lane.put(SB, case, GO_LIVE, BZ="更正")
    passage(lane)
    assert push().acknowledged == 4
    assert (SB, case, 2) in receiver.stored
    assert outbox(SB, case, 2)["clock_at"] == GO_LIVE
    assert deadline.figures(NOW + timedelta(days=1)).due == 4  # both versions are one record


def test_the_steps_of_one_case_go_one_after_another_and_cases_side_by_side(lane, receiver):
    for number in range(1, 9):
        case = lane.case(number, GO_LIVE, (SB,))
        for step in range(4):
            lane.put(SPCL, case, GO_LIVE + timedelta(hours=1 + step), SPHJDM=str(1 + step % 3), SPBZH=step)
    receiver.fault = lambda name, attempt: "slow"
    passage(lane)
    push()
    spans = {}
    for name, began, ended in receiver.heard:
        if name[0] == SPCL:
            spans.setdefault(name[1].split("|")[0], []).append((began, ended, name[1].split("|")[2]))
    assert len(spans) == 8
    for steps in spans.values():
        assert [at for _, _, at in steps] == sorted(at for _, _, at in steps)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(steps))
    everything = sorted((began, ended) for steps in spans.values() for began, ended, _ in steps)
    assert any(before[1] > after[0] for before, after in itertools.pairwise(everything))


@pytest.mark.parametrize("fault", ["500", "3", "garbage", "half", "drop", "lost_answer"])
def test_what_may_be_tried_again_is_and_arrives_once(lane, receiver, fault):
    case = lane.case(1, GO_LIVE)
    receiver.fault = lambda name, attempt: fault if attempt <= 2 else None
    passage(lane)
    summary = push()
    assert summary.states == {"ACK": 4}
    assert summary.failed_attempts == 8
    assert receiver.attempts[(SB, case, 1)] == 3
    assert len(receiver.stored) == 4
    assert counts() == 12  # every receipt, and every attempt without one, is kept


def test_a_province_that_takes_too_long_is_tried_again(lane, receiver, monkeypatch, tmp_path):
    short_patience(monkeypatch, tmp_path)
    case = lane.case(1, GO_LIVE, (SB,))
    receiver.fault = lambda name, attempt: "hang" if attempt == 1 else None
    passage(lane)
    assert push().states == {"ACK": 1}
    assert receiver.attempts[(SB, case, 1)] == 2


def short_patience(monkeypatch, tmp_path):
    """A copy of the site that waits 300 ms for an answer."""
    import shutil

    from wangting import settings

    site = tmp_path / "site"
    shutil.copytree(settings.site_path(), site)
    file = site / "site.yml"
    file.write_text(
        file.read_text("utf-8").replace("province:\n", "province:\n  timeout: 1 second\n"), "utf-8"
    )
    monkeypatch.setenv("WANGTING_SITE", str(site))


def test_back_off_grows_and_moves_the_simulated_clock(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,))
    receiver.fault = lambda name, attempt: "3" if attempt <= 4 else None
    passage(lane)
    began = time.monotonic()
    assert push().states == {"ACK": 1}
    assert time.monotonic() - began < 20
    r = ledger.receipts
    times = [row["received_at"] for row in ledger.rows(select(r).order_by(r.c.receipt_id))]
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    for gap, wanted in zip(gaps, (1, 10, 60, 300), strict=True):
        assert wanted * 0.8 <= gap <= wanted * 1.2 + 0.001
    assert outbox(SB, case)["attempts"] == 5


def test_what_fails_all_day_stays_for_the_next_run(lane, receiver):
    lane.case(1, GO_LIVE)
    receiver.fault = lambda name, attempt: "3"
    passage(lane)
    assert push().states == {"RETRY": 1, "BLOCKED": 3}
    receiver.fault = lambda name, attempt: None
    clock.advance(timedelta(minutes=10))
    assert push().states == {"ACK": 4}


def test_earlier_failures_go_before_what_is_new(lane, receiver):
    first = lane.case(5, GO_LIVE, (SB,))
    receiver.fault = lambda name, attempt: "3"
    passage(lane)
    push()
    receiver.heard.clear()
    receiver.fault = lambda name, attempt: None
    second = lane.case(4, GO_LIVE, (SB,))
    passage(lane)
    clock.advance(timedelta(minutes=10))
    push()
    assert [name[1] for name in receiver.order] == [first, second]


def test_a_dead_province_ends_the_run_with_one_sentence_and_loses_nothing(lane, monkeypatch):
    monkeypatch.setenv("PROVINCE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PROVINCE_TOKEN", "never-shown")
    for number in range(1, 200):
        lane.case(number, GO_LIVE, (SB,))
    passage(lane)
    with pytest.raises(WangtingError, match="停止本次推送，199 条记录全部留待下次") as told:
        push()
    assert "never-shown" not in str(told.value)
    assert counts() < 80  # a few tries, not one a record
    assert set(states().values()) <= {"RETRY", "NEW"}
    assert len(states()) == 199


def test_a_dead_province_is_told_of_on_a_quiet_day_too(lane, receiver, monkeypatch):
    for number in range(1, 4):
        lane.case(number, GO_LIVE)
    passage(lane)
    address = receiver.url
    monkeypatch.setenv("PROVINCE_URL", "http://127.0.0.1:9")
    with pytest.raises(WangtingError, match="停止本次推送，12 条记录全部留待下次"):
        push()
    monkeypatch.setenv("PROVINCE_URL", address)
    clock.advance(timedelta(minutes=10))
    assert push().states == {"ACK": 12}


def test_a_record_that_is_never_answered_is_no_dead_province(lane, receiver, monkeypatch, tmp_path):
    short_patience(monkeypatch, tmp_path)
    lane.case(1, GO_LIVE, (SB,))
    receiver.fault = lambda name, attempt: "drop"
    passage(lane)
    assert push().states == {"RETRY": 1}


def test_a_refused_token_blames_no_record(lane, receiver):
    lane.case(1, GO_LIVE)
    receiver.fault = lambda name, attempt: "401"
    passage(lane)
    with pytest.raises(WangtingError, match="令牌") as told:
        push()
    assert receiver.token not in str(told.value)
    assert states()[("SB", "0001", 1)] == "NEW"
    assert outbox(SB, lanes.case_no(1))["attempts"] == 0


def test_a_wrong_address_blames_no_record(lane, receiver):
    lane.case(1, GO_LIVE)
    receiver.fault = lambda name, attempt: "404"
    passage(lane)
    with pytest.raises(WangtingError, match="不提供报送服务"):
        push()
    assert states()[("SB", "0001", 1)] == "NEW"


def test_a_missing_token_names_the_variable(lane, monkeypatch):
    lane.case(1, GO_LIVE)
    passage(lane)
    monkeypatch.setenv("PROVINCE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("PROVINCE_TOKEN", raising=False)
    with pytest.raises(WangtingError, match="PROVINCE_TOKEN"):
        push()


def test_two_pushes_at_once_are_refused(lane, receiver):
    with locks.writer("push"), pytest.raises(WangtingError, match="正在被另一个进程使用"):
        push()


def test_what_xml_cannot_carry_is_refused_here_with_a_receipt(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,), SBXMMC="项目\x02名称")
    lane.case(2, GO_LIVE, (SB,), SBXMMC='<项目> & "名称"\n😀')
    passage(lane)
    assert push().states == {"ACK": 1, "REJECTED": 1}
    assert "SBXMMC" in outbox(SB, case)["receipt_text"]
    assert [name[1][-4:] for name in receiver.order] == ["0002"]


def test_a_crash_before_the_receipt_was_stored_is_read_back_first(lane, receiver):
    there, lost = lane.case(1, GO_LIVE, (SB, SL)), lane.case(2, GO_LIVE, (SB, SL))
    passage(lane)
    o = ledger.outbox
    with ledger.transaction() as connection:
        connection.execute(update(o).where(o.c.record == SB).values(state="SENT", attempts=1))
    receiver.stored[(SB, there, 1)] = "as it was"
    summary = push()
    assert sorted(receiver.read_back) == [(SB, there, 1), (SB, lost, 1)]
    assert summary.read_back == 1
    assert summary.states == {"ACK": 4}
    assert receiver.attempts[(SB, there, 1)] == 0
    assert outbox(SB, there)["receipt_no"] == "back"


def test_a_correction_waits_for_its_older_version_and_its_clock_begins_anew_after_it(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,))
    receiver.fault = lambda name, attempt: "lost_answer"
    passage(lane)
    push()
    assert outbox(SB, case)["state"] == "RETRY"
    lane.put(SB, case, GO_LIVE, written_at=GO_LIVE + timedelta(hours=9), BZ="更正")
    passage(lane)
    receiver.fault = lambda name, attempt: None
    receiver.heard.clear()
    clock.advance(timedelta(minutes=10))
    push()
    assert outbox(SB, case)["state"] == "ACK"
    assert receiver.order[-1] == (SB, case, 2)
    assert outbox(SB, case, 2)["clock_at"] == GO_LIVE + timedelta(hours=9)


def test_a_version_that_never_gets_through_gives_way_to_its_correction(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,))
    receiver.fault = lambda name, attempt: "3" if name[2] == 1 else None
    passage(lane)
    push()
    lane.put(SB, case, GO_LIVE, BZ="更正")
    passage(lane)
    clock.advance(timedelta(minutes=10))
    push()
    assert states() == {("SB", "0001", 1): "SUPERSEDED", ("SB", "0001", 2): "ACK"}


def test_what_a_province_that_was_away_never_got_gives_way_to_its_correction_at_once(
    lane, receiver, monkeypatch
):
    case = lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    address = receiver.url
    monkeypatch.setenv("PROVINCE_URL", "http://127.0.0.1:9")
    with pytest.raises(WangtingError, match="停止本次推送"):
        push()
    assert outbox(SB, case)["attempts"] > 0
    lane.put(SB, case, GO_LIVE, written_at=GO_LIVE + timedelta(hours=9), BZ="更正")
    passage(lane)
    monkeypatch.setenv("PROVINCE_URL", address)
    clock.advance(timedelta(hours=1))
    push()
    assert states() == {("SB", "0001", 1): "SUPERSEDED", ("SB", "0001", 2): "ACK"}
    assert receiver.order == [(SB, case, 2)]
    # Nothing was with the province before it, so its time runs from the record's own.
    assert outbox(SB, case, 2)["clock_at"] == GO_LIVE


def test_a_receipt_that_comes_twice_is_harmless(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    push()
    first = outbox(SB, case)
    from exchange import settling
    from exchange.messages import Message, Result
    from exchange.receivers.protocol import Answer

    message = Message(SB, case, 1, case, 0, "NEW", GO_LIVE, None, False)
    settling.settle([Result(message, Answer("receipt", 1, "other"), clock.now() + timedelta(hours=1))])
    assert outbox(SB, case) == first
    assert counts() == 2  # but it is kept


@pytest.mark.parametrize(
    ("late_by", "on_time", "late"),
    [(timedelta(0), 1, 0), (timedelta(microseconds=1), 0, 1), (-timedelta(hours=1), 1, 0)],
)
def test_exactly_twelve_hours_are_on_time(lane, receiver, late_by, on_time, late):
    lane.put(SB, lanes.case_no(1), NOW - timedelta(hours=12) - late_by)
    lane.put(SL, lanes.case_no(1), None, written_at=GO_LIVE)
    lane.case(2, NOW - timedelta(minutes=1), (SB,))
    o = ledger.outbox
    passage(lane)
    with ledger.transaction() as connection:
        connection.execute(update(o).values(is_backfill=False))
    summary = push()
    assert (summary.on_time, summary.late) == (on_time + 1, late)
    figures = deadline.figures(NOW)
    wanted_due = 1 if late_by >= timedelta(0) else 0  # before 12 hours are over a record is in no denominator
    assert (figures.due, figures.on_time, figures.late_acknowledged) == (
        wanted_due,
        on_time * wanted_due,
        late,
    )
    assert (figures.without_clock, figures.not_due_acknowledged) == (1, 2 - wanted_due)


def test_a_held_record_keeps_ageing_and_backfill_stands_apart(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB, SL))
    lane.case(2, OLD, (SB,))
    passage(lane, held={f"{SL}|{case}": "N1.code"})
    push(backfill=True)
    figures = deadline.figures(GO_LIVE + timedelta(hours=13))
    assert (figures.due, figures.on_time, figures.late_unsent, figures.backfill) == (2, 1, 1, 1)
    assert figures.share == 0.5


def test_a_backfill_is_sent_only_when_asked_for(lane, receiver):
    lane.case(1, OLD)
    passage(lane)
    assert push().attempts == 0
    assert push(backfill=True).acknowledged == 4


@pytest.mark.parametrize("after", [3, 37, 118])
def test_a_push_killed_at_any_moment_loses_nothing_and_doubles_nothing(lane, receiver, after):
    for number in range(1, 61):
        lane.case(number, GO_LIVE)
    passage(lane)
    receiver.fault = lambda name, attempt: "slow"
    receiver.slow_seconds = 0.02
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", "from exchange.push import push; push()"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": root},
        stderr=subprocess.DEVNULL,
    )
    while len(receiver.heard) < after and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(receiver.heard) < 240
    receiver.fault = lambda name, attempt: None
    summary = push()
    assert summary.states == {"ACK": 240}
    assert len(receiver.stored) == 240
    acknowledged = ledger.rows(select(ledger.receipts).where(ledger.receipts.c.code == 0))
    names = [(row["record"], row["record_key"], row["version"]) for row in acknowledged]
    assert sorted(names) == sorted(receiver.stored)


def test_more_records_than_a_slice_all_go(lane, receiver, monkeypatch):
    from exchange import queues

    monkeypatch.setattr(queues, "_SLICE", 7)
    monkeypatch.setattr(queues, "_CHUNK", 5)
    for number in range(1, 31):
        case = lane.case(number, GO_LIVE, (SB,))
        for step in range(number % 11):
            lane.put(SPCL, case, GO_LIVE + timedelta(minutes=1 + step), SPHJDM="1")
    passage(lane)
    assert set(push().states) == {"ACK"}
    assert len(receiver.stored) == len(states()) - 0 + sum(max(number % 11 - 1, 0) for number in range(1, 31))
