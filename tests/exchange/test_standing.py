"""What monitoring is told of the open records, the stops and the alarms is what the ledger holds, counted by hand."""

import sqlite3
from collections import Counter, defaultdict
from datetime import datetime, timedelta

import pytest

from exchange import standing
from exchange.cut import cut
from exchange.push import push
from exchange.reconcile import reconcile, reconcile_lately
from exchange.records import rule_mends, rule_titles
from ingestion.overview import standings
from ingestion.pulling import pull
from tests.exchange.lane import BJ, GO_LIVE, NOW, PERSON, SB, SL, UNIT, judge, passage
from tests.exchange.versions import BASE, minutes, put
from wangting import alarms, clock, engine, ledger

OTHER, SMALL = "445100B", "445100C"
HOUR = timedelta(hours=1)


def made(name, as_of):
    """One table as a pull at that moment would bring it."""
    work = engine.connect()
    try:
        standing.make(work, name, as_of)
        assert work.execute(f"select column_name from (describe {name})").fetchall() == [
            (column,) for column in standing.KINDS[name]
        ]
        rows = work.execute(f"select * from {name}").fetchall()
    finally:
        work.close()
    return [dict(zip(standing.KINDS[name], row, strict=True)) for row in rows]


def counted(rows, *names):
    """Sums of records by some columns, of the rows that count records."""
    found = Counter()
    for row in rows:
        if row["rule"] == "":
            found[tuple(row[name] for name in names)] += row["n"]
    return dict(found)


def at_home(home):
    """Every row of the outbox, read past the code under test."""
    with sqlite3.connect(home / "ledger.sqlite") as file:
        file.row_factory = sqlite3.Row
        return [dict(row) for row in file.execute("select * from outbox")]


def band_by_hand(row, as_of):
    if row["is_backfill"] or row["due_at"] is None:
        return "none"
    left = datetime.fromisoformat(row["due_at"]) - as_of
    for name, hours in (("late", 0), ("h01", 1), ("h02", 2), ("h04", 4), ("h12", 12)):
        if left <= hours * HOUR:
            return name
    return "more"


def open_rows(home):
    """The rows that are open: not acknowledged, not overtaken, and no rejected one with a later version."""
    rows, newest = at_home(home), defaultdict(int)
    for row in rows:
        key = row["record"], row["record_key"]
        newest[key] = max(newest[key], row["version"])
    for row in rows:
        is_continued = (
            row["state"] == "REJECTED" and row["version"] < newest[row["record"], row["record_key"]]
        )
        if row["state"] not in ("ACK", "SUPERSEDED") and not is_continued:
            yield row


def open_by_hand(home, as_of):
    """(record, source, unit, standing, code, is_backfill, band) → how many, from the rows themselves."""
    return dict(Counter(key_by_hand(row, as_of) for row in open_rows(home)))


def key_by_hand(row, as_of):
    """Where a row of the outbox is counted."""
    how = "unchecked" if row["state"] == "HELD" and row["outcome"] == "unchecked" else row["state"].lower()
    code = ""
    if how == "rejected":
        code = "unworded" if row["receipt_code"] is None else str(row["receipt_code"])
    source, unit = row["source"], row["unit_code"] or ""
    if row["is_backfill"] and how not in ("held", "unchecked", "rejected"):
        source = unit = ""
    return row["record"], source, unit, how, code, bool(row["is_backfill"]), band_by_hand(row, as_of)


NAMES = ("record", "source", "unit_code", "standing", "code", "is_backfill", "band")


@pytest.fixture
def many(home):
    """Records in every standing, live and backfill, of two departments and of none, near and far from their end."""
    clock.set_simulated(BASE)
    states = ("NEW", "BLOCKED", "HELD", "SENT", "RETRY", "REJECTED", "ACK", "SUPERSEDED")
    for number in range(240):
        state = states[number % 8]
        values = {
            "state": state, "clock_at": BASE - minutes(37 * number % 900), "is_backfill": number % 5 == 0,
            "unit_code": (UNIT, OTHER, None)[number % 3], "source": ("unified_platform", "civil_affairs")[number % 2],
        }  # fmt: skip
        if number % 11 == 0:
            values["clock_at"] = None
        if state == "HELD":
            values["outcome"] = "unchecked" if number % 7 == 0 else "held"
            values["rules"] = (
                None if number % 7 == 0 else ("N1.length", "N1.length,C1.required")[number // 8 % 2]
            )
        if state == "REJECTED":
            values["receipt_code"] = (1, 2, None)[number // 8 % 3]
        put((SB, SL, BJ)[number % 3], f"key{number}", **values)
    # A rejected version and the mended one after it are one record, which is open once.
    put(SB, "mended", 1, state="REJECTED", receipt_code=1)
    put(SB, "mended", 2, state="NEW")
    for number in range(30):
        put(
            BJ,
            f"old{number:02}",
            state="HELD",
            outcome="held",
            rules="L1.order",
            is_backfill=True,
            unit_code=SMALL,
        )
    return home


@pytest.mark.parametrize("later", [0, 3, 11, 200])
def test_every_open_record_is_counted_once_as_it_stands_at_that_moment(many, later):
    as_of = BASE + later * HOUR
    expected = open_by_hand(many, as_of)
    assert len(expected) > 50
    assert counted(made("open_records", as_of), *NAMES) == expected


def test_a_rule_counts_every_record_that_it_holds_with_its_title_and_mend(many):
    found = defaultdict(int)
    for row in made("open_records", BASE):
        if row["rule"]:
            assert row["standing"] == "held"
            assert row["rule_title"] == rule_titles()[row["rule"]]
            assert row["mend"] == rule_mends()[row["record"], row["rule"]]
            found[row["record"], row["rule"]] += row["n"]
    expected = Counter(
        (row["record"], rule)
        for row in at_home(many)
        if row["state"] == "HELD" and row["outcome"] == "held"
        for rule in row["rules"].split(",")
    )
    assert dict(found) == dict(expected)
    # A rule on many fields tells no field's name and leaves no gap.
    assert not [mend for mend in rule_mends().values() if "{" in mend or "  " in mend]


def test_the_first_to_be_due_is_told_of_live_records_alone(many):
    first = {}
    for row in open_rows(many):
        if not row["is_backfill"] and row["due_at"]:
            key, due_at = key_by_hand(row, BASE), datetime.fromisoformat(row["due_at"])
            first[key] = min(first.get(key, due_at), due_at)
    assert len(first) > 20
    assert first == {
        tuple(row[name] for name in NAMES): row["first_due_at"]
        for row in made("open_records", BASE)
        if row["rule"] == "" and row["first_due_at"] is not None
    }


def test_of_a_department_the_twenty_worst_are_named_live_ones_first(many):
    rows = made("worst_records", BASE)
    by_unit = defaultdict(list)
    for row in rows:
        by_unit[row["unit_code"]].append(row)
    for unit, named in by_unit.items():
        candidates = [
            row
            for row in open_rows(many)
            if (row["unit_code"] or "") == unit
            and (
                row["state"] in ("HELD", "REJECTED")
                or band_by_hand(row, BASE) in ("late", "h01", "h02", "h04")
            )
        ]
        worst = sorted(
            candidates,
            key=lambda row: (
                row["is_backfill"], row["due_at"] is None, row["due_at"] or "", row["arrived_at"], row["record"],
                row["record_key"],
            ),
        )[:20]  # fmt: skip
        assert {(row["record"], row["record_key"]) for row in named} == {
            (row["record"], row["record_key"]) for row in worst
        }
        assert len(candidates) > 20
    assert {row["due_at"] for row in rows if row["is_backfill"]} == {None}
    held = next(row for row in rows if row["rules"] == "N1.length,C1.required")
    assert held["rule_titles"] == "；".join(rule_titles()[rule] for rule in ("N1.length", "C1.required"))


def test_what_the_gate_has_not_come_to_is_counted_until_it_has(lane):
    lane.case(1, GO_LIVE, (SB, SL))
    lane.case(2, GO_LIVE, (SB,))
    lane.build()
    batch_id = cut().batch_id
    assert counted(made("open_records", NOW), "record", "unit_code", "standing", "band") == {
        (SB, UNIT, "unjudged", "none"): 2,
        (SL, UNIT, "unjudged", "none"): 1,
    }
    judge(batch_id)
    assert not counted(made("open_records", NOW), "record")  # judged, though nobody has entered it yet


def test_the_same_ledger_in_postgresql_is_counted_alike(home, postgres, monkeypatch):
    clock.set_simulated(BASE)

    def fill():
        for number, state in enumerate(("NEW", "HELD", "REJECTED", "RETRY", "ACK")):
            put(
                SB, f"key{number}", state=state, outcome="held" if state == "HELD" else "passed",
                rules="L1.order" if state == "HELD" else None, clock_at=BASE - minutes(200 * number),
                unit_code=[UNIT, None][number % 2], is_backfill=number == 3,
            )  # fmt: skip
        return {name: sorted(map(str, made(name, BASE + HOUR))) for name in ("open_records", "worst_records")}

    here = fill()
    monkeypatch.setenv("WANGTING_LEDGER_URL", postgres.create())
    assert fill() == here
    assert len(here["open_records"]) == 5 and len(here["worst_records"]) == 2


def test_the_reconciliation_leaves_its_days_and_since_when_they_stand_so(lane, receiver):
    lane.case(1, GO_LIVE, (SB, SL))
    lane.case(2, GO_LIVE - timedelta(days=70), (SB,))
    passage(lane)
    push()
    reconcile()

    def stops():
        rows = made("stop_days", clock.now())
        return {
            (row["day"], row["record"]): (row["landed"], row["cut"], row["acknowledged"], row["read_back"])
            for row in rows
        }, {row["stands_since"] for row in rows}

    day = GO_LIVE.date()
    # What is older than two months is left to `wangting reconcile` itself.
    assert stops() == ({(day, SB): (1, 1, 1, 1), (day, SL): (1, 1, 1, 1)}, {NOW})
    clock.advance(HOUR)
    reconcile_lately()
    assert stops()[1] == {NOW}
    lane.case(3, GO_LIVE, (SB,))
    passage(lane)
    push()
    reconcile_lately()
    found, since = stops()
    assert found[day, SB] == (2, 2, 2, 2) and since == {NOW, NOW + HOUR}
    clock.advance(timedelta(days=63))
    reconcile_lately()
    assert stops()[0] == {}


def test_an_open_alarm_is_told_with_whose_it_is_and_a_text_only_where_it_stands_still(home):
    clock.set_simulated(BASE)
    alarms.raise_alarm("overdue", f"{UNIT}|unified_platform", "某部门有 3 条，剩 1.5 小时", "更正")
    alarms.raise_alarm("silent_source", "civil_affairs", "自 12-01 起没有数据（17 个工作小时）", "检查")
    alarms.raise_alarm("receiver", "province", "没有应答", "等待")
    alarms.raise_alarm("receiver", "other", "没有应答", "等待")
    alarms.clear("receiver", "other")
    assert {
        (row["kind"], row["unit_code"], row["source"], row["text"], row["mend"])
        for row in made("open_alarms", BASE)
    } == {
        ("overdue", UNIT, "unified_platform", None, "更正"),
        ("silent_source", "", "civil_affairs", None, "检查"),
        ("receiver", "", "", "没有应答", "等待"),
    }


def test_of_a_failed_load_the_table_is_told_and_no_key_that_its_sentence_names(home, monkeypatch):
    monkeypatch.setenv("POPULATION_REGISTER_DROP", str(home))
    clock.set_simulated(BASE)
    ledger.record(
        ledger.loads, load_id="one", source="population_register", table_name="persons", state="failed", load_date="x",
        planned_at=BASE, error=f"有 1 个值不是（公民身份号码 为 {PERSON}）",
    )  # fmt: skip
    [told] = [row for row in standings(BASE, leaving_out="watch") if row["name"] == "population_register"]
    assert told["state"] == "failed" and "人口" in told["error"]
    assert PERSON not in str(standings(BASE, leaving_out="watch"))


def test_a_look_without_news_lands_nothing_and_what_is_over_is_told_to_be_gone(home):
    clock.set_simulated(BASE)
    put(SB, "a", state="NEW", clock_at=BASE - HOUR)
    put(SL, "b", state="HELD", outcome="held", rules="L1.order", is_backfill=True)

    def pulled():
        results = pull(["watch"])
        assert [result.errors for result in results] == [[]] * 5
        return {result.table: (result.rows, result.deleted) for result in results if result.rows}

    first = pulled()
    assert first.keys() == {"source_standings", "open_records", "worst_records"}
    assert first["open_records"] == (3, 0) and first["worst_records"] == (1, 0)
    assert pulled().keys() == {"source_standings"}  # silence is counted from the house's first load on
    clock.advance(HOUR)
    assert pulled() == {}  # eleven hours are left, then ten: the same band
    clock.advance(6 * HOUR)
    assert pulled() == {"open_records": (2, 1), "worst_records": (1, 0)}  # four hours are left
    o = ledger.outbox
    with ledger.transaction() as connection:
        for state in ("SENT", "ACK"):
            connection.execute(o.update().where(o.c.record_key == "a").values(state=state, acked_at=BASE))
    assert pulled() == {"open_records": (1, 1), "worst_records": (1, 1)}
    assert pulled() == {}
