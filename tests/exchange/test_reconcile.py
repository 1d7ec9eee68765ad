"""Reconciliation: which stop lost what, by exact case numbers; and repair."""

import json
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from exchange import commands, finals
from exchange.cut import cut
from exchange.outbox import enqueue
from exchange.push import push
from exchange.reconcile import reconcile, reconcile_lately
from ingestion.overview import overview
from tests.exchange.lane import BJ, GO_LIVE, NOW, SB, SL, SPCL, UNIT, Lane, case_no, judge, outbox
from tests.exchange.receiver import Receiver
from wangting import alarms, clock, ledger

DAY = GO_LIVE.date()


def passage(lane: Lane, **outcomes) -> None:
    lane.build()
    batch = cut().batch_id
    judge(batch, **outcomes)
    enqueue(batch)
    push()


def land(home, table: str, rows: list[dict], schema: pa.Schema) -> None:
    """A load of the unified platform as the landing has it."""
    load_id = f"{table}-{len(ledger.rows(ledger.loads.select()))}"
    path = home / "landing" / f"{load_id}.parquet"
    path.parent.mkdir(exist_ok=True)
    pq.write_table(
        pa.Table.from_pylist(rows, schema=schema.append(pa.field("_loaded_at", pa.timestamp("us")))), path
    )
    ledger.record(
        ledger.loads, load_id=load_id, source="unified_platform", table_name=table, state="committed",
        load_date="2017-11-30", planned_at=NOW, loaded_at=NOW, rows=len(rows), bytes=1,
        path=str(path.relative_to(home)), commit_seq=ledger.last_commit_seq() + 1,
    )  # fmt: skip


COUNTS = pa.schema(
    [("day", pa.date32()), ("unit_code", pa.string()), ("record", pa.string()), ("declared", pa.int32()),
     ("published_at", pa.timestamp("us"))]
)  # fmt: skip


def declare(lane: Lane, counts: dict[tuple[date, str], int], published_at: datetime = NOW) -> None:
    rows = [
        {"day": day, "unit_code": UNIT, "record": record, "declared": n, "published_at": published_at}
        | {"_loaded_at": NOW}
        for (day, record), n in counts.items()
    ]  # fmt: skip
    land(lane.home, "declared_counts", rows, COUNTS)


def by_record(found):
    names = ("declared", "landed", "cut", "acknowledged", "read_back")
    return {(row["day"], row["record"]): tuple(row[name] for name in names) for row in found.days}


def test_every_stop_is_counted_on_the_business_day_by_department_and_type(lane, receiver):
    lane.case(1, GO_LIVE, (SB, SL))
    lane.case(2, GO_LIVE, (SB,))
    lane.case(3, GO_LIVE - timedelta(days=9), (SB,))  # waits for a backfill
    declare(lane, {(DAY, SB): 2, (DAY, SL): 1, (DAY - timedelta(days=9), SB): 1})
    passage(lane)
    found = reconcile()
    assert found.agrees and found.waiting_count == 1
    assert by_record(found) == {
        (DAY, SB): (2, 2, 2, 2, 2),
        (DAY, SL): (1, 1, 1, 1, 1),
        (DAY - timedelta(days=9), SB): (1, 1, 1, 0, 0),
    }
    assert {row["unit_code"] for row in found.days} == {UNIT}
    assert by_record(reconcile(first_day=DAY, last_day=DAY)).keys() == {(DAY, SB), (DAY, SL)}


def test_a_declared_count_that_did_not_land_is_named_once_the_day_is_over(lane, receiver):
    lane.case(1, GO_LIVE, (SB, SL))
    declare(lane, {(DAY, SB): 5, (DAY, BJ): 1})
    declare(lane, {(DAY, SB): 3}, NOW + timedelta(minutes=1))  # the newer count holds
    passage(lane)
    assert reconcile().undeclared == []  # today's counts still move
    clock.advance(timedelta(days=1))
    found = reconcile()
    assert {(row["record"], row["declared"], row["landed"]) for row in found.undeclared} == {
        (SB, 3, 1), (SL, 0, 1), (BJ, 1, 0),
    }  # fmt: skip
    assert not found.agrees


def test_the_overview_of_the_sources_shows_declared_beside_landed(lane, receiver):
    lane.case(1, GO_LIVE, (SB, SL))
    declare(lane, {(DAY, SB): 3, (DAY, SL): 1})
    passage(lane)
    reconcile()
    [shown] = [one for one in overview() if one["source"] == "unified_platform"]
    assert shown["declared"] is None  # today's counts still move
    clock.advance(timedelta(days=1))
    reconcile()
    [shown] = [one for one in overview() if one["source"] == "unified_platform"]
    assert shown["declared"] == {
        "first_day": DAY, "last_day": DAY, "declared": 4, "landed": 2, "differing": 1, "compared_at": clock.now(),
    }  # fmt: skip


def test_a_row_without_a_case_number_is_counted_where_it_stopped(lane, receiver):
    lane.case(1, GO_LIVE, (SB,))
    schema = pa.schema(
        [("sblsh", pa.string()), ("sbsj", pa.timestamp("us")), ("inserttime", pa.timestamp("us"))]
    )
    land(
        lane.home, "ex_gdbs_sb",
        [{"sblsh": name, "sbsj": GO_LIVE, "inserttime": NOW, "_loaded_at": NOW} for name in (None, " ", case_no(1))],
        schema,
    )  # fmt: skip
    passage(lane)
    [row] = reconcile().unkeyed
    assert (row["day"], row["record"], row["rows"]) == (DAY, SB, 2)


def test_what_is_cut_and_not_acknowledged_says_why(lane, receiver):
    held, waiting, rejected, late = (lane.case(number, GO_LIVE, (SB, SL)) for number in range(1, 5))
    receiver.fault = lambda name, attempt: (
        "reject" if name[1] == rejected else "500" if name[1] == late else None
    )
    lane.build()
    batch = cut().batch_id
    judge(batch, held={f"{SB}|{held}": "N1.code", f"{SL}|{waiting}": "L1.order"})
    found = reconcile()
    assert (found.not_acknowledged_count, {row["reason"] for row in found.not_acknowledged}) == (
        8,
        {"unjudged"},
    )
    enqueue(batch)
    push()
    found = reconcile()
    assert {(row["record"], row["case_no"]): (row["reason"], row["rules"]) for row in found.not_acknowledged} == {
        (SB, held): ("HELD", "N1.code"), (SL, held): ("BLOCKED", None),
        (SL, waiting): ("HELD", "L1.order"),
        (SB, rejected): ("REJECTED", None), (SL, rejected): ("BLOCKED", None),
        (SB, late): ("RETRY", None), (SL, late): ("BLOCKED", None),
    }  # fmt: skip
    assert found.agrees  # known to be missing, and owed by somebody


def test_what_landed_and_was_never_cut_is_named(lane, receiver):
    lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    case = lane.case(2, GO_LIVE, (SB,))
    lane.build()
    found = reconcile()
    assert [(row["record"], row["case_no"]) for row in found.not_cut] == [(SB, case)] and not found.agrees


def test_a_corrected_record_counts_once_and_its_lost_version_is_named(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB, SL))
    passage(lane)
    clock.advance(timedelta(minutes=30))
    lane.put(SL, case, GO_LIVE + timedelta(hours=1), written_at=clock.now(), BZ="更正")
    passage(lane)
    found = reconcile()
    assert found.agrees and by_record(found)[DAY, SL] == (None, 1, 1, 1, 1)
    del receiver.stored[(SL, case, 2)]
    found = reconcile()
    assert [(row["record_key"], row["version"]) for row in found.lost] == [(case, 2)]


def test_a_final_record_that_the_province_lost_goes_again(lane, receiver):
    cases = [lane.case(number, GO_LIVE) for number in range(1, 4)]
    passage(lane)
    clock.advance(timedelta(days=3))
    assert finals.archive().rows == 12
    del receiver.stored[
        (SPCL, next(name for name in receiver.stored if name[1].startswith(cases[1] + "|"))[1], 1)
    ]
    assert reconcile(repair=True).repaired == 1
    assert outbox(SPCL, cases[1])["state"] == "RETRY"
    clock.advance(timedelta(hours=1))
    push()
    assert reconcile().agrees


class Shifting(Receiver):
    """A province in which a record is added in front between two pages, and whose pages come one by one and slowly."""

    shifted = False

    async def _records(self, request):
        asked = request.query
        if (
            "identify" not in asked
            and asked["tableName"] == SB
            and int(asked["page"]) == 2
            and not self.shifted
        ):
            self.shifted = True
            del self.stored[sorted(name for name in self.stored if name[0] == SB)[0]]
        return await super()._records(request)


def test_a_record_that_slips_between_two_pages_is_not_taken_for_lost(lane, monkeypatch):
    with Shifting() as province:
        monkeypatch.setenv("PROVINCE_URL", province.url)
        monkeypatch.setenv("PROVINCE_TOKEN", province.token)
        cases = sorted(lane.case(number, GO_LIVE, (SB,)) for number in range(1, 7))
        passage(lane)
        from exchange.receivers.http import HttpReceiver

        of, shown = HttpReceiver.pages, []

        async def pages(self, record, size=2):
            async for page in of(self, record, 2):
                shown.extend(row["identify"] for row in page)
                yield page

        monkeypatch.setattr(HttpReceiver, "pages", pages)
        found = reconcile()
    # The third moved up to the first page, which had been read: the pages show five, and none is lost.
    assert cases[2] not in shown and len(shown) == 5
    assert found.lost == [] and by_record(found)[DAY, SB] == (None, 6, 6, 6, 6)


def test_a_nightly_disagreement_is_an_alarm_until_it_is_over(lane, receiver):
    case = lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    kept = receiver.stored.pop((SB, case, 1))
    assert not reconcile_lately().agrees
    [alarm] = alarms.open_alarms()
    assert "省平台丢失 1" in alarm["text"] and "--repair" in alarm["mend"]
    receiver.stored[(SB, case, 1)] = kept
    assert reconcile_lately().agrees and alarms.open_alarms() == []


def test_the_command_says_by_its_exit_code_whether_anything_is_missing(lane, receiver):
    lane.case(1, GO_LIVE, (SB,))
    passage(lane)
    app = typer.Typer()
    app.command()(commands.reconcile)
    run = CliRunner().invoke
    done = run(app, ["--json", "--day", str(DAY)])
    assert (done.exit_code, json.loads(done.stdout)["agrees"]) == (0, True)
    receiver.stored.clear()
    done = run(app, ["--json", "--from", str(DAY), "--to", str(DAY)])
    assert (done.exit_code, json.loads(done.stdout)["lost_count"]) == (3, 1)
    assert "台账已确认而省平台没有" in run(app, []).stdout
    assert "日期" in str(run(app, ["--day", "30.11."]).exception)


@pytest.mark.parametrize("options", [["--day", "2017-11-30", "--from", "2017-11-30"]])
def test_two_ways_of_saying_the_days_are_refused(home, options):
    app = typer.Typer()
    app.command()(commands.reconcile)
    assert "--day" in str(CliRunner().invoke(app, options).exception)
