"""The cut: what is new, which version it is, and what is presented again."""

from datetime import datetime, timedelta

import duckdb
import pytest
from sqlalchemy import delete, select

from exchange import batches
from exchange.cut import cut
from exchange.outbox import enqueue
from tests.exchange import lane as lanes
from tests.exchange.lane import BJ, GO_LIVE, SB, SL, judge
from wangting import clock, ledger, locks
from wangting.errors import WangtingError

BOTH_LEDGERS = True


def rows(batch_id, record=SB, columns="*"):
    file = batches.record_file(batch_id, record.lower())
    return duckdb.sql(f"select {columns} from read_parquet('{file}') order by record_key").fetchall()


def settle(summary, **told):
    judge(summary.batch_id, **told)
    enqueue(summary.batch_id)
    return summary


def test_the_first_cut_takes_everything_as_version_one(lane):
    lane.case(1, GO_LIVE + timedelta(hours=1))
    lane.case(2, GO_LIVE - timedelta(days=30))
    lane.build()
    summary = cut()
    assert (summary.mode, summary.new, summary.backfill) == ("full", 8, 4)
    assert rows(summary.batch_id, columns="version, is_represented, is_backfill") == [
        (1, False, True),
        (1, False, False),
    ]


def test_a_cut_without_a_new_build_makes_no_batch(lane):
    lane.case(1, GO_LIVE)
    lane.build()
    settle(cut())
    assert cut().mode == "none"
    lane.build()
    assert cut().batch_id is None
    assert cut(full=True).batch_id is None
    assert len(batches.committed()) == 1


def test_a_value_that_comes_back_is_version_three(lane):
    case = lanes.case_no(1)
    for note, version in (("甲", 1), ("乙", 2), ("甲", 3)):
        lane.put(SB, case, GO_LIVE, BZ=note)
        lane.build()
        summary = settle(cut())
        assert rows(summary.batch_id, columns="version, bz") == [(version, note)]


def test_only_what_the_builds_since_the_last_cut_wrote_is_compared(lane):
    lane.case(1, GO_LIVE)
    lane.case(2, GO_LIVE)
    lane.build()
    settle(cut())
    lane.put(SB, lanes.case_no(2), GO_LIVE, BZ="更正")
    lane.build()
    summary = cut()
    assert (summary.mode, summary.corrected, summary.new) == ("touched", 1, 0)


def test_builds_that_no_cut_has_seen_are_not_forgotten(lane):
    lane.case(1, GO_LIVE)
    lane.build()
    settle(cut())
    lane.case(2, GO_LIVE)
    lane.build()
    lane.case(3, GO_LIVE)
    lane.build(state="failed")
    lane.build()
    summary = cut()
    assert (summary.mode, summary.new) == ("touched", 8)


def test_a_lane_that_was_built_anew_is_compared_whole(lane):
    lane.case(1, GO_LIVE)
    lane.build()
    lane.build()
    settle(cut())
    lane.case(2, GO_LIVE)
    lane.run_no = 0  # as after the loss of the lane's file and of the ledger's list of builds
    for held in lane.rows.values():
        for row in held.values():
            row["_run_no"] = 1
    lane.build()
    summary = cut()
    assert (summary.mode, summary.new) == ("full", 4)


def test_a_lane_whose_last_build_failed_is_not_cut(lane):
    lane.case(1, GO_LIVE)
    lane.build(state="failed")
    with pytest.raises(WangtingError, match="没有通过"):
        cut()


def test_a_lane_that_was_never_built_says_what_to_do(lane):
    with pytest.raises(WangtingError, match="还没有构建交换记录"):
        cut()


def test_two_cuts_at_once_are_refused_by_name(lane):
    lane.case(1, GO_LIVE)
    lane.build()
    with locks.writer("exchange"), pytest.raises(WangtingError, match="正在被另一个进程使用"):
        cut()


def test_what_a_crash_left_behind_is_not_a_batch(lane, home):
    lane.case(1, GO_LIVE)
    lane.build()
    left = home / "batches" / ".draft-b000001-x"
    left.mkdir(parents=True)
    (left / "ex_gdbs_sb.parquet").write_text("half")
    visible = home / "batches" / "b000001-20171130T175900"
    visible.mkdir()
    summary = cut()
    assert summary.new == 4
    assert [place.name for place in (home / "batches").iterdir()] == [summary.batch_id]


def test_a_failure_while_writing_leaves_nothing_visible(lane, home, monkeypatch):
    lane.case(1, GO_LIVE)
    lane.build()
    from exchange import cut as module

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_settle", full)
    with pytest.raises(OSError, match="No space"):
        cut()
    assert list((home / "batches").iterdir()) == []
    assert batches.committed() == []
    monkeypatch.undo()
    monkeypatch.setenv("WANGTING_HOME", str(home))
    assert cut().new == 4


def test_a_held_record_is_presented_again_when_its_context_changes_and_not_before(lane):
    case = lanes.case_no(1)
    lane.put(SL, case, GO_LIVE, has_application=False)
    lane.build()
    settle(cut(), held={case: "C2.has_application"})
    lane.put(SL, case, GO_LIVE, has_application=False)
    lane.build()
    assert cut().batch_id is None
    lane.put(SB, case, GO_LIVE)
    lane.put(SL, case, GO_LIVE, has_application=True)
    lane.build()
    summary = settle(cut())
    assert (summary.new, summary.represented) == (1, 1)
    assert rows(summary.batch_id, SL, "version, is_represented") == [(1, True)]
    lane.put(SL, case, GO_LIVE, has_application=False)
    lane.build()
    assert settle(cut()).represented == 1  # it has passed, but nobody has judged it in this context yet
    lane.put(SL, case, GO_LIVE, has_application=False)
    lane.build()
    assert cut().batch_id is None


def test_rules_that_changed_bring_back_only_what_was_held(lane):
    held, passed = lanes.case_no(1), lanes.case_no(2)
    for case in (held, passed):
        lane.put(SL, case, GO_LIVE, has_application=True)
    lane.build()
    settle(cut(), held={held: "C3.refusal_reason"})
    for case in (held, passed):
        key = lane.put(SL, case, GO_LIVE, has_application=True)
        lane.rows[SL][key]["context_hash"] = lane.rows[SL][key]["context_hash"].replace("rules:", "others:")
    lane.build()
    summary = cut()
    assert (summary.new, summary.represented) == (0, 1)
    assert rows(summary.batch_id, SL, "record_key") == [(held,)]


def test_a_time_that_lies_ahead_does_not_put_an_old_case_on_its_way(lane):
    before = GO_LIVE - timedelta(days=200)
    old, new = lanes.case_no(1), lanes.case_no(2)
    lane.put(BJ, old, lanes.NOW + timedelta(days=300), written_at=before)
    lane.put(BJ, new, lanes.NOW + timedelta(days=300), written_at=lanes.NOW)
    lane.build()
    assert rows(cut().batch_id, BJ, "case_no, is_backfill") == [(old, True), (new, False)]


def test_a_record_held_before_its_own_time_is_presented_again_once_the_time_has_come(lane):
    case = lane.case(1, GO_LIVE)
    lane.put(BJ, case, lanes.NOW + timedelta(minutes=3))  # the source's clock is three minutes fast
    lane.build()
    settle(cut(), held={f"{BJ}|{case}": "L1.future"})
    clock.advance(timedelta(minutes=1))
    lane.build()
    assert cut().batch_id is None
    clock.advance(timedelta(minutes=2))
    lane.build()
    summary = settle(cut(), held={f"{BJ}|{case}": "C3.return_reason"})
    assert (summary.mode, summary.represented) == ("touched", 1)
    assert rows(summary.batch_id, BJ, "version, is_represented") == [(1, True)]
    lane.build()
    assert cut().batch_id is None  # held for something else now: once is enough


def test_a_record_that_was_never_judged_is_presented_again_in_a_new_context(lane):
    case = lanes.case_no(1)
    lane.put(SL, case, GO_LIVE, has_application=False)
    lane.build()
    cut()
    lane.put(SL, case, GO_LIVE, has_application=True)
    lane.build()
    assert cut().represented == 1


def test_without_a_business_time_the_sources_own_time_decides_what_is_live(lane):
    live, old = lanes.case_no(1), lanes.case_no(2)
    lane.put(BJ, live, None, written_at=GO_LIVE)
    lane.put(BJ, old, None, written_at=GO_LIVE - timedelta(seconds=1))
    lane.build()
    assert rows(cut().batch_id, BJ, "is_backfill") == [(False,), (True,)]


def test_history_reads_the_same_through_a_snapshot(lane, monkeypatch):
    monkeypatch.setattr(batches, "_SNAPSHOT_AFTER", 3)
    seen = []
    for number in range(1, 9):
        lane.put(SB, lanes.case_no(1), GO_LIVE, BZ=f"第{number}次")
        lane.put(SB, lanes.case_no(number), GO_LIVE, LXRXM=f"第{number}人")
        lane.build()
        summary = settle(cut(), held={lanes.case_no(3): "N1.code"})
        seen.append(rows(summary.batch_id, columns="case_no, version"))
    assert list(batches._snapshots().glob("b*"))
    con = duckdb.connect()
    through = con.sql(batches.latest(batches.committed(), "ex_gdbs_sb")).fetchall()
    for place in batches._snapshots().iterdir():
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    plain = con.sql(batches.latest(batches.committed(), "ex_gdbs_sb")).fetchall()
    assert sorted(map(str, through)) == sorted(map(str, plain))
    assert len(plain) == 8


def test_a_lost_mark_means_a_full_comparison(lane):
    lane.case(1, GO_LIVE)
    lane.build()
    settle(cut())
    with ledger.transaction() as connection:
        connection.execute(delete(ledger.cuts))
    lane.case(2, GO_LIVE)
    lane.build()
    summary = cut()
    assert (summary.mode, summary.new) == ("full", 4)
    assert ledger.rows(select(ledger.batches.c.mode))[-1]["mode"] == "full"


def test_the_same_record_twice_stops_the_cut_and_names_it(lane, home):
    case = lane.case(1, datetime(2017, 11, 30, 9))
    lane.build()
    with duckdb.connect(home / "lanes" / "exchange" / "exchange.duckdb") as file:
        file.execute("insert into ex_gdbs_sb select * from ex_gdbs_sb")
    with pytest.raises(WangtingError, match=case):
        cut()
