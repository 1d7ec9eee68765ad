"""What could not be checked: the rows it is about and no others, an alarm until it is over."""

from datetime import datetime

import pytest

from expectations import gate, suites, vectors
from expectations.checks import InCodes, RealName
from tests.expectations import records
from tests.expectations.conftest import gated
from wangting import alarms, ledger

SB = "EX_GDBS_SB"


def _rows(specification, count):
    return [
        records.valid(specification, SB, number) | {"record_key": f"{number:05d}"} for number in range(count)
    ]


def _breaks_on(check, poison):
    """The check's own judgement, but it breaks down on a chunk that has the poison in it."""
    judged = check.broken

    def broken(self, rows):
        if poison in rows.array(self.field).to_pylist():
            raise MemoryError(f"out of memory over {poison}")
        return judged(self, rows)

    return broken


@pytest.mark.parametrize("places", [[0], [777], [2999], [5, 1500], [10, 11, 2998]])
def test_a_row_that_a_check_cannot_read_keeps_back_itself_alone(specification, tmp_path, monkeypatch, places):
    rows = _rows(specification, 3000)
    for place in places:
        rows[place]["sqrmc"] = "毒"
    rows[1200]["sqrmc"] = "测试"
    monkeypatch.setattr(RealName, "broken", _breaks_on(RealName, "毒"))
    records.write(specification, SB, rows, tmp_path / "b1")
    summary, _ = gated(specification, tmp_path / "b1")
    assert summary.outcomes[SB] == {
        "passed": 2999 - len(places), "warned": 0, "held": 1, "unchecked": len(places)
    }  # fmt: skip
    assert [(alarm.rule_id, alarm.rows, alarm.error) for alarm in summary.alarms] == [
        ("N3.test_name", len(places), "MemoryError")
    ]
    assert "毒" not in summary.model_dump_json()


def test_a_check_that_fails_on_everything_is_not_tried_row_by_row(specification, tmp_path, monkeypatch):
    tried = []

    def broken(self, rows):
        tried.append(rows.count)
        raise ZeroDivisionError

    monkeypatch.setattr(RealName, "broken", broken)
    records.write(specification, SB, _rows(specification, 800), tmp_path / "b1")
    summary, _ = gated(specification, tmp_path / "b1")
    assert summary.total("unchecked") == 800
    assert tried[0] == 800 and len(tried) <= 18


def test_many_rows_that_cannot_be_read_cost_a_bounded_number_of_tries(specification, monkeypatch):
    import pyarrow as pa

    rows = _rows(specification, 4096)
    for place in range(0, 4096, 9):
        rows[place]["sqrmc"] = "毒"
    monkeypatch.setattr(RealName, "broken", _breaks_on(RealName, "毒"))
    suite = suites.RecordSuite(specification, SB)
    frame = vectors.frame(pa.Table.from_pylist(rows, schema=records.schema(specification, SB)))
    failing, unchecked = suite.judge(frame)
    (lost,) = unchecked.values()
    assert all(lost.rows[place] for place in range(0, 4096, 9))
    assert suite._chunk <= 1 + suites._TRIES and not failing


@pytest.fixture
def batch(home, specification):
    """Puts a batch of so many records of one type into the ledger."""
    known = []

    def put(first, last):
        name = f"b{len(known) + 1}"
        records.write(specification, SB, _rows(specification, last)[first:], home / "batches" / name)
        ledger.record(
            ledger.batches, batch_id=name, state="cut", mode="full", cut_at=datetime(2017, 12, 1, 12),
            rows=last - first,
        )  # fmt: skip
        known.append(name)
        return name

    return put


def _waits(key, batch_id):
    """The outbox row of a record that could not be judged."""
    ledger.record(
        ledger.outbox, record=SB, record_key=key, version=1, case_no=key, source="unified_platform", stage=0,
        batch_id=batch_id, payload_hash="p", context_hash="c", state="HELD", outcome="unchecked", is_backfill=False,
        arrived_at=datetime(2017, 12, 1), cut_at=datetime(2017, 12, 1, 12),
    )  # fmt: skip


def _subjects():
    return [alarm["subject"] for alarm in alarms.open_alarms() if alarm["kind"] == "unchecked"]


def test_an_alarm_stands_until_the_rule_runs_and_nothing_waits_for_it(batch, monkeypatch):
    healthy = InCodes.broken

    def broken(self, rows):
        raise MemoryError

    monkeypatch.setattr(InCodes, "broken", broken)
    first = gate.judge(batch(0, 4))
    assert first.total("unchecked") == 4
    assert _subjects() == [f"{SB}/N1.code"]
    (alarm,) = alarms.open_alarms()
    assert "N1.code" in alarm["text"] and "内存不足" in alarm["text"] and "4 条记录暂留" in alarm["text"]
    for key in ("00000", "00001", "00002", "00003"):
        _waits(key, "b1")
    gate.judge(batch(4, 6))
    assert _subjects() == [f"{SB}/N1.code"]  # one alarm, however often
    monkeypatch.setattr(InCodes, "broken", healthy)
    gate.judge(batch(4, 6))
    assert _subjects() == [f"{SB}/N1.code"]  # it runs again, but four records wait for it
    gate.judge(batch(0, 4))
    assert _subjects() == []


def test_judging_another_record_type_says_nothing_of_the_alarm(batch, home, specification):
    alarms.raise_alarm("unchecked", "EX_GDBS_BJ/N1.code", "x", "y")
    alarms.raise_alarm("receiver", SB, "x", "y")
    gate.judge(batch(0, 2))
    assert _subjects() == ["EX_GDBS_BJ/N1.code"]
    assert len(alarms.open_alarms()) == 2
