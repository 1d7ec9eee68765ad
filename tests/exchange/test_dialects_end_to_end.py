"""Every dialect and every way, to the simulated province: it has what was sent, each record exactly once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exchange.cut import cut
from exchange.outbox import enqueue
from exchange.push import push
from exchange.reconcile import reconcile
from tests.exchange.lane import BJ, GO_LIVE, SB, SL, SPCL, WSYSL, judge, outbox, states
from tests.exchange.provinces import running, site_with, truth
from wangting import ledger

CASES, STAGES = 20, (SB, WSYSL, SL, SPCL, BJ, "EX_GDBS_LQDJ")
WAYS = [
    ("xml", "direct", 1),
    ("xml", "sharing_platform", 1),
    ("json", "direct", 1),
    ("json", "direct", 25),
    ("json", "sharing_platform", 25),
    ("front_end", "direct", 1),
]
WAY_NAMES = [f"{dialect} {route} by {batch}" for dialect, route, batch in WAYS]
BAD_DAYS = {
    "good": {},
    "garbage, halves, resets": {"garbage": 0.2, "half": 0.2, "reset": 0.2, "seed": 5},
    "5xx, stored or not, and later": {"error": 0.2, "stored_error": 0.2, "receipt3": 0.2, "seed": 6},
    "another's receipt, twice, drip by drip": {
        "other": 0.3, "duplicate_receipt": 0.5, "drip": 0.2, "slow_seconds": 0.05, "seed": 7,
    },
}  # fmt: skip


@pytest.fixture
def world(home, monkeypatch, tmp_path, postgres):
    """Bring up the province of one way; gives the running province."""
    from contextlib import ExitStack

    with ExitStack() as opened:

        def make(dialect="xml", route="direct", batch=1, *, wanted=None, **given):
            database = None
            if dialect == "front_end":
                postgres.run(postgres.url("postgres"), "alter user postgres password 'never-shown'")
                database = postgres.create()
            site_with(
                monkeypatch,
                tmp_path,
                dialect=dialect,
                route=route,
                batch=batch,
                timeout="2 seconds",
                **(wanted or {}),
            )
            return opened.enter_context(running(home, monkeypatch, route=route, database=database, **given))

        yield make


def prepare(lane, cases=CASES, **fields):
    for number in range(cases):
        lane.case(number, GO_LIVE, STAGES, **fields)
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enqueue(batch_id)


def first_refusal():
    o = ledger.outbox
    return ledger.rows(
        select(o.c.record, o.c.receipt_text).where(o.c.state.in_(["REJECTED", "RETRY"])).limit(1)
    )


def in_order(found):
    return sorted(found, key=lambda each: each[:3])


@pytest.mark.parametrize(("dialect", "route", "batch"), WAYS, ids=WAY_NAMES)
@pytest.mark.parametrize("day", BAD_DAYS)
def test_the_province_has_what_was_sent_each_exactly_once(lane, world, dialect, route, batch, day):
    there = world(dialect, route, batch)
    text = '<事项> & "名称"\n一\t二😀𠮷\\ \\u0000 {}[] \'; drop table'
    prepare(lane, SBXMMC=text)
    there.behave(**BAD_DAYS[day])
    summary = there.push_all()
    assert summary.states == {"ACK": CASES * len(STAGES)}, first_refusal()
    assert in_order(there.stored()) == in_order(truth(lane))
    there.behave()
    assert reconcile().agrees
    r = ledger.receipts
    doubled = (
        select(r.c.record).where(r.c.code == 0).group_by(r.c.record, r.c.record_key).having(func.count() > 1)
    )
    assert ledger.rows(doubled) == []


@pytest.mark.parametrize(
    ("dialect", "batch"), [("json", 25), ("front_end", 1)], ids=["json by 25", "front_end"]
)
@pytest.mark.parametrize("seconds", [0.0, 0.15, 0.4])
def test_a_push_killed_between_loses_nothing_and_doubles_nothing(lane, world, dialect, batch, seconds):
    there = world(dialect, "direct", batch)
    prepare(lane)
    root = str(Path(__file__).resolve().parents[2])
    said = "from exchange.push import push; print('go', flush=True); push()"
    process = subprocess.Popen(
        [sys.executable, "-c", said],
        cwd=root,
        env=os.environ | {"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert there.push_all().states == {"ACK": CASES * len(STAGES)}
    assert in_order(there.stored()) == in_order(truth(lane))


ALIASES = {
    "records": {"EX_GDBS_BJGZ": "EX_GDBS_BZGZ"},
    "fields": {BJ: {"BJBMZZJDDM": "BJBMZZJGDM"}, SB: {"SBBMZZJGDM": "BMZZJDDM"}},
    "codes": {"applicant_type": {"9": "3"}, "approval_step": {"1": "A", "2": "B", "3": "C"}},
}


@pytest.mark.parametrize(("dialect", "batch"), [("xml", 1), ("json", 10), ("front_end", 1)])
def test_aliases_are_what_the_province_hears_and_are_undone_on_the_way_back(lane, world, dialect, batch):
    there = world(dialect, "direct", batch, wanted={"aliases": ALIASES}, aliases=ALIASES)
    for number, stages in enumerate((STAGES, (SB, "EX_GDBS_BJGZ", SL))):
        lane.case(number, GO_LIVE, stages, SQRLX="9")
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enqueue(batch_id)
    before = {row["record_key"]: row["payload_hash"] for row in ledger.rows(select(ledger.outbox))}
    assert there.push_all().states == {"ACK": 9}
    heard = {(table, key): fields for table, key, _, fields in there.stored()}
    case = lane.rows[SB][next(iter(lane.rows[SB]))]["case_no"]
    assert heard[SB, case]["BMZZJDDM"] == "006988574" and "SBBMZZJGDM" not in heard[SB, case]
    assert heard[SB, case]["SQRLX"] == "3"
    assert any(table == "EX_GDBS_BZGZ" for table, _ in heard)
    (step,) = [fields for (table, _), fields in heard.items() if table == SPCL]
    assert step["SPHJDM"] == "B"
    assert reconcile().agrees
    ours = _read(SB, case)
    assert (ours["SBBMZZJGDM"], ours["SQRLX"]) == ("006988574", "9")
    after = {row["record_key"]: row["payload_hash"] for row in ledger.rows(select(ledger.outbox))}
    assert after == before


def _read(record, key):
    import asyncio

    from exchange.receivers import receiver_of
    from wangting.site import current_site

    async def ask():
        async with receiver_of(current_site()) as receiver:
            return await receiver.read(record, key, 1)

    return asyncio.run(ask())["fields"]


def test_a_province_that_was_not_told_of_the_aliases_does_not_know_them(lane, world):
    there = world("json", "direct", 10, wanted={"aliases": ALIASES})
    prepare(lane, 1)
    summary = there.push_all()
    assert summary.rejected == 1
    assert "BMZZJDDM" in outbox(SB, next(iter(lane.rows[SB])))["receipt_text"]


def test_what_lies_at_the_front_end_is_not_written_again_and_its_flags_become_receipts(lane, world):
    there = world("front_end")
    prepare(lane, 3)
    there.behave(down=1)
    first = push()
    assert (first.left, first.states["SENT"], first.acknowledged) == (3, 3, 0)
    for _ in range(2):
        again = push()
        assert (again.left, again.attempts, again.states["SENT"]) == (0, 0, 3)
    assert {row["attempts"] for row in ledger.rows(select(ledger.outbox)) if row["state"] == "SENT"} == {1}
    there.behave()
    there.collect()
    second = push()
    # Behind their applications all stages lie there at once, in their order.
    assert (second.read_back, second.left) == (3, 3 * (len(STAGES) - 1))
    there.collect()
    assert push().states == {"ACK": 3 * len(STAGES)}
    assert ledger.rows(select(ledger.receipts.c.receipt_no).where(ledger.receipts.c.code == 0))[0][
        "receipt_no"
    ]


def test_what_the_front_ends_receiver_refuses_says_why_and_what_it_could_not_take_goes_again(lane, world):
    there = world("front_end")
    good = lane.case(1, GO_LIVE, (SB,))
    bad = lane.case(2, GO_LIVE, (SB,), SQRLX="7")
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enqueue(batch_id)
    there.behave(receipt3=1.0)
    push()
    there.collect()
    assert push().left == 2  # offered anew
    assert outbox(SB, good)["attempts"] == 2
    there.behave()
    summary = there.push_all()
    assert summary.states == {"ACK": 1, "REJECTED": 1}
    assert "SQRLX" in outbox(SB, bad)["receipt_text"]


def test_a_row_that_the_table_cannot_take_hinders_no_other(lane, world, postgres):
    there = world("front_end")
    assert there.database is not None
    good, bad, null = (
        lane.case(number, GO_LIVE, (SB,), SBXMMC=text)
        for number, text in ((1, "短"), (2, "长" * 30), (3, "空\x00字符"))
    )
    lane.build()
    batch_id = cut().batch_id
    judge(batch_id)
    enqueue(batch_id)
    while not postgres.run(there.database, "select to_regclass('ex_gdbs_lqdj')").strip():
        time.sleep(0.02)
    postgres.run(there.database, "alter table ex_gdbs_sb alter sbxmmc type varchar(10)")
    summary = there.push_all()
    assert summary.states == {"ACK": 1, "REJECTED": 2}
    assert outbox(SB, good)["state"] == "ACK"
    assert "SQLSTATE 22001" in outbox(SB, bad)["receipt_text"]
    assert "SBXMMC" in outbox(SB, null)["receipt_text"] and "空字符" in outbox(SB, null)["receipt_text"]


def test_the_front_end_away_is_an_outage_and_nothing_is_lost(lane, world, monkeypatch):
    from wangting.errors import WangtingError

    there = world("front_end")
    prepare(lane, 5)
    monkeypatch.setenv("FRONT_END_URL", "postgresql://hall:never-shown@127.0.0.1:9/front_end")
    with pytest.raises(WangtingError, match="停止本次推送") as told:
        push()
    assert "never-shown" not in str(told.value)
    assert set(states().values()) == {"RETRY", "BLOCKED"}
    monkeypatch.setenv("FRONT_END_URL", str(there.database))
    assert there.push_all().states == {"ACK": 5 * len(STAGES)}


def test_a_table_without_a_needed_column_is_named(lane, world, postgres):
    from wangting.errors import WangtingError

    there = world("front_end")
    assert there.database is not None
    prepare(lane, 1)
    while not postgres.run(there.database, "select to_regclass('ex_gdbs_lqdj')").strip():
        time.sleep(0.02)
    postgres.run(there.database, "alter table ex_gdbs_sb drop column sbxmmc")
    with pytest.raises(WangtingError, match="EX_GDBS_SB 缺少列 SBXMMC"):
        push()
    assert set(states().values()) == {"NEW", "BLOCKED"}


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (70, {"REJECTED": 1, "BLOCKED": 5}),
        (80, {"REJECTED": 1, "BLOCKED": 5}),
        (101, {"RETRY": 1, "BLOCKED": 5}),
    ],
)
def test_what_the_bus_refuses_is_refused_and_what_fails_inside_it_goes_again(lane, world, code, state):
    there = world("xml", "sharing_platform")
    prepare(lane, 1)
    _misbehave_bus(there, code)
    assert push().states == state
    assert str(code) in outbox(SB, next(iter(lane.rows[SB])))["receipt_text"]


@pytest.mark.parametrize("code", [10, 20, 30, 40, 50, 60])
def test_a_bus_that_does_not_take_us_stops_the_push_and_blames_no_record(lane, world, code):
    from wangting.errors import WangtingError

    there = world("json", "sharing_platform", 10)
    prepare(lane, 1)
    _misbehave_bus(there, code)
    with pytest.raises(WangtingError, match=f"总线回执 {code}"):
        push()
    assert outbox(SB, next(iter(lane.rows[SB])))["attempts"] == 0
    _misbehave_bus(there, 0)
    assert there.push_all().states == {"ACK": 6}


def _misbehave_bus(there, code):
    import json
    import urllib.request

    from tests.exchange.provinces import OPENER

    known = there.connections
    request = urllib.request.Request(
        known["SHARING_PLATFORM_URL"] + "/misbehave",
        data=json.dumps({"bus": code}).encode(),
        headers={
            "Authorization": f"Bearer {known['SHARING_PLATFORM_TOKEN']}", "X-Bus-Version": "1.0",
            "X-Bus-Timestamp": "20171130180000", "X-Bus-Platform": known["SHARING_PLATFORM_ID"],
            "X-Bus-Account": known["SHARING_PLATFORM_ACCOUNT"],
        },
    )  # fmt: skip
    OPENER.open(request, timeout=10).read()
