"""Retention: an old batch keeps what a cut needs to know and nothing of a person, and no kill loses either."""

import os
import random
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import select

from exchange import batches, finals
from exchange.cut import cut
from exchange.outbox import enqueue
from exchange.push import push
from exchange.retention import retain
from exchange.tracing import trace
from expectations import gate
from tests.exchange import lane as lanes
from tests.exchange.lane import BJ, GO_LIVE, NOW, PERSON, SB, SL, SPCL, entered, judge, states
from wangting import clock, engine, home_modes, ledger
from wangting.errors import WangtingError

OLD = GO_LIVE - timedelta(days=20)
LATER = NOW + timedelta(days=401)
PERSONAL = "sqrmc", "sqrzjhm"


def rows(batch_id, record=SB, columns="*"):
    with engine.connect() as work:
        relation = batches.reading([batches.record_file(batch_id, record.lower())])
        return work.execute(f"select {columns} from {relation} order by record_key, version").fetchall()


def register():
    """What a cut and a backfill know of every record."""
    known = batches.committed()
    with duckdb.connect() as work:
        return {
            kind.table: sorted(work.execute(batches.latest(known, kind.table)).fetchall(), key=str)
            for kind in lanes.record_types()
        }


def ledger_row(batch_id):
    return ledger.rows(select(ledger.batches).where(ledger.batches.c.batch_id == batch_id))[0]


def test_an_old_batch_keeps_its_register_and_loses_every_personal_field(lane, receiver, home):
    case = lane.case(1, GO_LIVE)
    batch_id = entered(lane)
    push()
    before = register()
    assert retain().reduced == []
    clock.set_simulated(LATER)
    done = retain()
    assert (done.reduced, done.cleared_rows) == ([batch_id], 4)
    assert register() == before
    assert rows(batch_id, columns="case_no, version, is_reduced, is_waiting") == [(case, 1, True, False)]
    assert rows(batch_id, columns=", ".join(PERSONAL)) == [(None, None)]
    for file in (home / "batches").rglob("*.parquet"):
        assert PERSON not in str(duckdb.sql(f"select * from '{file}'").fetchall())
    assert retain().reduced == []
    assert list(home_modes.wider()) == []
    row = ledger_row(batch_id)
    assert (row["reduced_at"], row["payload_rows"]) == (LATER, 0)


def test_a_dry_run_says_what_would_go_and_touches_nothing(lane, receiver):
    lane.case(1, GO_LIVE)
    batch_id = entered(lane)
    push()
    clock.set_simulated(LATER)
    done = retain(dry_run=True)
    assert (done.reduced, done.is_dry_run) == ([batch_id], True)
    assert rows(batch_id, columns=PERSONAL[1]) == [(PERSON,)]
    assert ledger_row(batch_id)["reduced_at"] is None


def test_what_is_open_keeps_its_content_until_it_is_closed(lane, receiver):
    lane.case(1, GO_LIVE)
    held = lane.case(2, GO_LIVE)
    key = next(iter(key for key in lane.rows[SB] if key.startswith(held)))
    batch_id = entered(lane, held={f"{SB}|{key}": "N1.id_checksum"})
    push()
    assert states()["SB", "0002", 1] == "HELD"
    assert states()["SL", "0002", 1] == "BLOCKED"
    clock.set_simulated(LATER)
    assert retain().cleared_rows == 4
    assert rows(batch_id, columns=f"is_reduced, {PERSONAL[1]}") == [(True, None), (False, PERSON)]
    assert ledger_row(batch_id)["payload_rows"] == 4
    assert retain().reduced == []
    lane.put(SB, held, GO_LIVE, BZ="更正")
    entered(lane)
    push()
    assert states()["SL", "0002", 1] == "ACK"  # what was blocked for more than a year had its content still
    assert retain().cleared_rows == 4
    assert rows(batch_id, columns=PERSONAL[1]) == [(None,), (None,)]


def test_nothing_is_reduced_while_a_batch_is_on_its_way_to_the_outbox(lane, receiver):
    lane.case(1, GO_LIVE)
    entered(lane)
    push()
    lane.case(2, GO_LIVE)
    lane.build()
    waiting = cut().batch_id
    clock.set_simulated(LATER)
    done = retain()
    assert (done.reduced, done.waits) == ([], [waiting])


def test_versions_go_on_counting_after_a_reduction(lane, receiver):
    case = lanes.case_no(1)
    for note in ("甲", "乙"):
        lane.put(SB, case, GO_LIVE, BZ=note)
        entered(lane)
    push()
    clock.set_simulated(LATER)
    assert len(retain().reduced) == 2
    lane.build()
    assert cut(full=True).batch_id is None
    lane.put(SB, case, GO_LIVE, BZ="甲")
    lane.build()
    summary = cut()
    assert (summary.new, summary.corrected) == (0, 1)
    assert rows(summary.batch_id, columns="version, bz") == [(3, "甲")]


def test_a_backfill_sends_what_has_content_and_names_what_has_none(lane, receiver):
    lane.case(1, OLD)
    first = entered(lane)
    clock.set_simulated(LATER)
    assert retain().reduced == [first]
    assert rows(first, columns="is_reduced, is_waiting") == [(True, True)]
    lane.case(2, OLD)
    entered(lane)
    asked = push(backfill=True)
    assert (asked.without_content, asked.states) == (4, {"ACK": 4})
    restored = cut(restore=True)
    assert (restored.represented, restored.new) == (4, 0)
    judge(restored.batch_id)
    enqueue(restored.batch_id)
    asked = push(backfill=True)
    assert (asked.without_content, asked.states) == (0, {"ACK": 8})
    assert sum(PERSON in body for body in receiver.stored.values()) >= 2
    assert cut(restore=True).batch_id is None


def test_news_of_an_old_case_bring_back_the_content_of_its_earlier_records(lane, receiver):
    case = lane.case(1, OLD, (SB, SL))
    lane.case(2, OLD, (SB, SL))
    entered(lane)
    clock.set_simulated(LATER)
    retain()
    lane.put(BJ, case, LATER - timedelta(hours=1))
    lane.build()
    summary = cut()
    assert (summary.new, summary.represented) == (1, 2)
    judge(summary.batch_id)
    enqueue(summary.batch_id)
    assert push().states == {"ACK": 3}
    assert {name[0] for name in receiver.stored} == {SB, SL, BJ}


def test_a_record_whose_content_is_gone_is_never_sent_empty(lane, receiver, home):
    lane.case(1, GO_LIVE)
    batch_id = entered(lane)
    push()
    clock.set_simulated(LATER)
    retain()
    sent = len(receiver.order)
    lost = [
        (row["record"], row["record_key"], 1, row["case_no"]) for row in ledger.rows(select(ledger.outbox))
    ]
    with engine.connect() as work:
        assert finals.send_again(work, lost) == 0
    with ledger.transaction() as connection:  # as no command of ours leaves it
        connection.exec_driver_sql("update batches set reduced_at = null")
    with engine.connect() as work:
        assert finals.send_again(work, lost) == 4
    with ledger.transaction() as connection:
        connection.exec_driver_sql("update batches set reduced_at = '2019-01-05 18:00:00.000000'")
    with pytest.raises(WangtingError, match="已按留存期清除，不能再报送") as told:
        push()
    assert told.value.place == batch_id and told.value.mend
    assert len(receiver.order) == sent


def test_the_trace_and_the_gate_say_that_the_content_is_gone(lane, receiver):
    case = lane.case(1, GO_LIVE)
    batch_id = entered(lane)
    push()
    clock.set_simulated(LATER)
    retain()
    found = trace(case)["batches"]
    assert {row["is_reduced"] for row in found} == {True} and not any(row["fields"] for row in found)
    with pytest.raises(WangtingError, match="按留存期清除，不能重新判定"):
        gate.judge(batch_id)


def test_findings_and_raw_pages_go_after_their_own_time(lane, receiver, home):
    lane.case(1, GO_LIVE)
    key = next(iter(lane.rows[SL]))
    first = entered(lane, warned={f"{SL}|{key}": "C2.example"})
    push()
    kept = home / "raw" / "unified_platform" / "apply" / "load-2"
    gone = home / "raw" / "unified_platform" / "apply" / "load-1"
    for number, folder in enumerate((gone, kept), 1):
        folder.mkdir(parents=True)
        (folder / "page-1.json").write_text("[]")
        ledger.record(
            ledger.loads, load_id=f"load-{number}", source="unified_platform", table_name="apply",
            state="committed" if number == 1 else "planned", load_date="2017-11-30", planned_at=NOW,
        )  # fmt: skip
    before = register()
    clock.set_simulated(NOW + timedelta(days=91))
    assert retain().raw == ["load-1"]
    assert (gone.exists(), kept.exists()) == (False, True)
    clock.set_simulated(NOW + timedelta(days=801))
    assert retain().findings == [first]
    assert not batches.findings_file(first).exists()
    assert batches.verdict_file(first, SL.lower()).is_file()
    assert register() == before


# Counts what is made durable, moved, committed or deleted, and dies at the given one.
CHILD = """
import os, shutil, signal, sys
from pathlib import Path
from wangting import ledger
left = int(sys.argv[1])
def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
def counted(call):
    def done(*given, **named):
        step()
        result = call(*given, **named)
        step()
        return result
    return done
os.fsync = counted(os.fsync)
Path.replace = counted(Path.replace)
Path.mkdir = counted(Path.mkdir)
shutil.rmtree = counted(shutil.rmtree)
from sqlalchemy import event
for name in ("begin", "commit"):
    event.listen(ledger.engine(), name, lambda *_: step())
from exchange.retention import retain
retain()
print(int(sys.argv[1]) - left)
"""
POINTS = 5


def clear(home: Path, at: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(at)],
        env=os.environ | {"WANGTING_HOME": str(home)},
        capture_output=True,
        text=True,
    )


def test_a_kill_at_any_point_of_a_reduction_loses_nothing_and_the_next_run_does_the_rest(
    lane, receiver, home, tmp_path, monkeypatch
):
    lane.case(1, GO_LIVE)
    held = lane.case(2, GO_LIVE, (SB, SL, SPCL, BJ))
    key = next(key for key in lane.rows[SB] if key.startswith(held))
    entered(lane, held={f"{SB}|{key}": "N1.id_checksum"})
    lane.case(3, OLD)
    entered(lane)
    push()
    before = register()
    clock.set_simulated(LATER)
    saved = tmp_path / "saved"
    shutil.copytree(home, saved)
    whole = clear(home, 10**9)
    assert whole.returncode == 0, whole.stderr[-2000:]
    steps = int(whole.stdout)
    reduced = {batch["batch_id"]: batch["payload_rows"] for batch in batches.committed()}
    contents = [rows(batch_id) for batch_id in reduced]
    for point in sorted(random.Random(20171130).sample(range(1, steps + 1), POINTS)):
        place = tmp_path / f"killed-{point}"
        shutil.copytree(saved, place)
        assert clear(place, point).returncode == -signal.SIGKILL
        monkeypatch.setenv("WANGTING_HOME", str(place))
        assert register() == before, point
        assert cut(full=True).batch_id is None, point
        assert register() == before, point
        with engine.connect() as work:  # what is open has its content, whatever was reached
            files = [batches.record_file(batch_id, SL.lower()) for batch_id in reduced]
            open_rows = work.execute(
                f"select record_key from {batches.reading_content(files)} where case_no = '{held}'"
            ).fetchall()
        assert len(open_rows) == 1, point
        retain()
        assert {b["batch_id"]: b["payload_rows"] for b in batches.committed()} == reduced, point
        assert [rows(batch_id) for batch_id in reduced] == contents, point
        assert not list((place / "batches").glob(".*")), point
