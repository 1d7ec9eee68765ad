"""Reconciliation, status and trace: what people are told."""

import json
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from exchange import commands
from exchange.push import push
from exchange.reconcile import reconcile
from exchange.tracing import trace
from tests.exchange import lane as lanes
from tests.exchange.lane import BJ, GO_LIVE, PERSON, SB, SL, outbox, passage
from wangting import clock, ledger
from wangting.errors import WangtingError


def run(function, *arguments):
    import typer

    app = typer.Typer()
    app.command()(function)
    return CliRunner().invoke(app, [*arguments], catch_exceptions=False)


def test_both_sides_agree_after_a_push(lane, receiver):
    lane.case(1, GO_LIVE)
    passage(lane)
    push()
    found = reconcile()
    assert found.agrees
    assert [day["acknowledged"] for day in found.days] == [1, 1, 1, 1]
    assert all(
        day["landed"] == day["cut"] == day["acknowledged"] == day["read_back"] and day["declared"] is None
        for day in found.days
    )


def test_what_the_province_lost_is_named_and_goes_again_when_asked_for(lane, receiver):
    case = lane.case(1, GO_LIVE)
    passage(lane)
    push()
    acked_at = outbox(SL, case)["acked_at"]
    del receiver.stored[(SL, case, 1)]
    found = reconcile()
    assert found.lost == [{"record": SL, "record_key": case, "version": 1, "case_no": case}]
    assert found.repaired == 0
    assert reconcile(repair=True).repaired == 1
    clock.advance(timedelta(hours=1))
    assert push().acknowledged == 1
    assert reconcile().agrees
    assert outbox(SL, case)["acked_at"] == acked_at  # the first acknowledgement counts


def test_what_only_the_province_has_is_named(lane, receiver):
    lane.case(1, GO_LIVE)
    passage(lane)
    push()
    receiver.stored[(SB, "0000", 7)] = "somebody else's"
    found = reconcile()
    assert (found.unknown_count, found.lost_count) == (1, 0)
    assert found.unknown[0]["record_key"] == "0000"


def test_the_status_names_rules_counts_states_and_the_deadline(lane, receiver):
    case = lane.case(1, GO_LIVE)
    lane.case(2, GO_LIVE - timedelta(days=9))
    passage(lane, held={f"{BJ}|{case}": "C3.return_reason"})
    push()
    shown = json.loads(run(commands.status, "--json").stdout)
    assert shown["held"] == [
        {"rule": "C3.return_reason", "title": shown["held"][0]["title"], "live": 1, "backfill": 0}
    ]
    assert shown["held"][0]["title"]
    states = {
        row["record"]: {name: n for name, n in row.items() if n and name.isupper()} for row in shown["outbox"]
    }
    assert states[BJ] == {"HELD": 1}
    assert states[SB] == {"ACK": 1}
    assert (shown["deadline"]["not_due"], shown["deadline"]["not_due_acknowledged"]) == (4, 3)
    text = run(commands.status).stdout
    for word in ("来源", "发件箱", "未过校验", "12 小时", "C3.return_reason"):
        assert word in text


def test_a_home_without_anything_has_a_status_too(lane):
    shown = json.loads(run(commands.status, "--json").stdout)
    assert shown["outbox"] == [] and shown["metrics"] == [] and shown["sources"]
    assert run(commands.status).exit_code == 0


def land(home, case):
    """A landed file of the unified platform with one row of the case."""
    file = home / "landing" / "unified_platform" / "ex_gdbs_sb" / "load_date=2017-11-30" / "l1.parquet"
    file.parent.mkdir(parents=True)
    row = {
        "sblsh": case, "sqrmc": "张三", "sqrzjhm": PERSON, "sbsj": GO_LIVE, "inserttime": GO_LIVE, "version": 1,
        "_load_id": "l1", "_loaded_at": lanes.NOW,
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row]), file)
    with ledger.transaction() as connection:
        connection.execute(
            insert(ledger.loads).values(
                load_id="l1", source="unified_platform", table_name="ex_gdbs_sb", state="committed", commit_seq=1,
                load_date="2017-11-30", path=str(file.relative_to(home)), rows=1, planned_at=lanes.NOW,
            )
        )  # fmt: skip


def test_a_case_is_shown_at_every_stop_with_personal_values_masked(lane, receiver, home):
    case = lane.case(1, GO_LIVE, SQRMC="张三丰")
    land(home, case)
    passage(lane, held={f"{BJ}|{case}": "C3.return_reason"})
    push()
    found = trace(case)
    assert [len(found[stop]) for stop in ("landing", "batches", "verdicts", "outbox", "receipts", "province")] == [
        1, 4, 4, 4, 3, 3,
    ]  # fmt: skip
    assert found["batches"][0]["fields"]["SQRMC"] == "张**"
    said = json.dumps(found, default=str, ensure_ascii=False)
    assert PERSON not in said and "张三" not in said and "13800138000" not in said
    assert [row["findings"][0]["rule_id"] for row in found["verdicts"] if row["outcome"] == "held"] == [
        "C3.return_reason"
    ]
    text = run(commands.trace, case)
    assert text.exit_code == 0
    assert PERSON not in text.stdout
    for word in ("落地", "批次", "校验", "发件箱", "回执", "省平台所存"):
        assert word in text.stdout


def test_a_trace_does_without_the_province(lane, receiver, monkeypatch):
    case = lane.case(1, GO_LIVE)
    passage(lane)
    push()
    monkeypatch.setenv("PROVINCE_URL", "http://127.0.0.1:9")
    found = trace(case)
    assert found["province"] == []
    assert "连接不上" in found["province_note"]


def test_a_case_that_nobody_knows_is_said_to_be_so(lane):
    with pytest.raises(WangtingError, match="任何一站都没有"):
        trace("0")


@pytest.mark.parametrize("command", [commands.cut, commands.push, commands.reconcile])
def test_the_commands_speak_chinese_and_json(lane, receiver, command):
    lane.case(1, GO_LIVE)
    lane.build()
    assert any("一" <= letter <= "鿿" for letter in run(command).stdout)
    assert isinstance(json.loads(run(command, "--json").stdout), dict)
