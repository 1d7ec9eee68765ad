"""Is there anything to do? Asked cheaply, and answered right."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from exchange import breaker, commands, work
from exchange.cut import cut
from exchange.outbox import enqueue
from exchange.push import push
from exchange.receivers import manners
from tests.exchange.lane import GO_LIVE, NOW, SB, SL, judge, outbox, states
from tests.exchange.versions import put
from tests.house.tree import ROOT
from wangting import clock, ledger
from wangting.site import current_site

HEAVY = ("dbt", "great_expectations", "duckdb", "pandas", "pyarrow", "numpy", "airflow", "aiohttp", "httpx")


@pytest.fixture
def built(monkeypatch):
    """The lane's models are as they were at the last build; what else there is to do is asked for itself."""
    monkeypatch.setattr(work, "needed", lambda lane: None)


def test_the_question_imports_nothing_heavy(home):
    code = (
        "from exchange.work import work; import sys;"
        f"print(work().reasons, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "['首次构建'] []", done.stderr


def test_each_stop_that_has_something_to_do_is_work_and_a_whole_run_leaves_none(lane, receiver, built):
    assert not work.work().is_there
    case = lane.case(1, GO_LIVE, (SB, SL))
    lane.build()
    assert work.work().reasons == ["构建之后还没有切批"]
    batch = cut().batch_id
    assert work.work().reasons == ["1 个批次待校验或入队"]
    judge(batch, held={f"{SL}|{case}": "L1.order"})
    assert work.work().reasons == ["1 个批次待校验或入队"]
    enqueue(batch)
    assert work.work().reasons == ["有待发的记录"]
    push()
    assert states() == {("SB", "0001", 1): "ACK", ("SL", "0001", 1): "HELD"}
    assert not work.work().is_there


def test_a_retry_is_work_when_its_time_has_come_and_while_the_receiver_is_away_nothing_is(home, built):
    clock.set_simulated(NOW)
    put(SB, "a", state="RETRY", next_try_at=NOW + timedelta(minutes=5))
    assert not work.work().is_there
    clock.advance(timedelta(minutes=5))
    assert work.work().reasons == ["有可以重发的记录"]
    standing = breaker.opened(
        breaker.standing(breaker.name_of(manners(current_site()))), "超时", [timedelta(minutes=10)]
    )
    assert not work.work().is_there
    clock.set_simulated(standing.probe_at)
    assert work.work().reasons == ["有可以重发的记录"]


@pytest.mark.parametrize("state", ["BLOCKED", "HELD", "REJECTED", "ACK"])
def test_what_waits_for_somebody_else_is_no_work(home, built, state):
    clock.set_simulated(NOW)
    put(SB, "a", state=state)
    assert not work.work().is_there


def test_a_record_that_was_held_for_a_time_ahead_is_judged_again_without_any_news(lane, receiver, built):
    case = lane.case(1, NOW + timedelta(hours=2), (SB,))
    lane.build()
    batch = cut().batch_id
    judge(batch, held={f"{SB}|{case}": "L1.future"})
    enqueue(batch)
    assert not work.work().is_there and cut().batch_id is None
    clock.advance(timedelta(hours=2))
    assert "暂留的记录到了时间" in work.work().reasons[0]
    found = cut()
    assert (found.mode, found.represented, found.new) == ("touched", 1, 0)
    judge(found.batch_id)
    enqueue(found.batch_id)
    push()
    assert outbox(SB, case)["state"] == "ACK"
    assert not work.work().is_there


def test_the_command_ends_at_once_where_there_is_nothing_to_do(home, built, monkeypatch):
    import typer

    monkeypatch.setattr("wangting.build.build", lambda lane: pytest.fail("nothing was to be built"))
    app = typer.Typer()
    app.command()(commands.exchange)
    done = CliRunner().invoke(app, ["--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"work": []})
    assert ledger.rows(select(ledger.cuts)) == []
