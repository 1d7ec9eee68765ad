"""The gate and the SQL query are two readings of one specification: bent at random, they must agree to the field."""

import random
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.compiling import judgements
from expectations.model import Specification
from expectations.second_reading import broken_rules, query
from expectations.vectors import Rows, frame
from tests.expectations import records
from tests.expectations.conftest import gated
from tests.expectations.records import APPLIED, CUT_AT

TEXTS = [
    None, "", " ", "　　", "\u00a0", "无", " 无　", "1", "１", "-", "/", "0", "2", "5", "9", "a\n", "'", "%", "1'2",
    "x\x00y", "铃\x07", "😀" * 13, "é" * 30, "测试", "测试01", "TEST9", "ｔｅｓｔ", "111", "１１１",
    "445102600101001", "445102601301001", "44510219600101001X", "11010519491231002X", "11010519491231002x",
    "11010519491331002X", "000000000000000000", "91110000600037341L", "91110000600037341I", "N2440000MB2D0X4J5L",
    "006988574", "00698857X", "006988574 ", "445100000000", "44510000000", "44510000000０", "13800138000",
    "1380013800a", records.ITEM, records.ITEM[:-1], records.ITEM + "1", records.ITEM[:19] + "1711200001",
    records.ITEM[:19] + "1799999999", "1" * 31 + "201711200001", "1" * 43, "a" * 29, "长" * 25, "长" * 26,
    "长" * 30, "长" * 31, "长" * 200 + "a", "长" * 1000, "长" * 1001,
]  # fmt: skip
TIMES = [
    None,
    APPLIED,
    CUT_AT,
    CUT_AT + timedelta(microseconds=1),
    APPLIED - timedelta(seconds=1),
    APPLIED + timedelta(days=1),
    datetime(2013, 1, 1),
    datetime(2012, 12, 31, 23, 59, 59, 999999),
    datetime(1970, 1, 1),
    datetime(9999, 12, 31),
]
NUMBERS = [None, 0, 1, 20, -1, 99_999, 100_000, 99_999_999, 100_000_000, 2_147_483_647]
RECORDS = list(records.CONTEXT)
_FIXED = ("record_key", "case_no", "version", "cut_at", "unit_code", "business_time")


def _values(kind: pa.DataType) -> list[Any]:
    if pa.types.is_string(kind):
        return TEXTS
    if pa.types.is_timestamp(kind):
        return TIMES
    return [None, True, False] if pa.types.is_boolean(kind) else NUMBERS


def _both(specification: Specification, record: str, rows: list[dict[str, Any]]) -> tuple[Any, Any]:
    """(row, rule, field) of what the Arrow reading and the SQL reading find."""
    table = pa.Table.from_pylist(rows, schema=records.schema(specification, record))
    rules = judgements(specification, record)
    chunk = Rows(frame(table))
    first = {
        (int(row), rule.rule_id, rule.field) for rule in rules for row in rule.check.bad(chunk).nonzero()[0]
    }
    con = duckdb.connect()
    con.register("bent", table)
    second = {
        (int(key), rules[at].rule_id, rules[at].field)
        for key, broken in con.execute(query(specification, record, "bent")).fetchall()
        for at in broken
    }
    return first, second


@pytest.mark.parametrize("record", RECORDS)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_both_readings_agree_on_any_record(specification, record, data):
    names = [field.name for field in records.schema(specification, record) if field.name not in _FIXED]
    kinds = {field.name: field.type for field in records.schema(specification, record)}
    changes = data.draw(
        st.lists(
            st.dictionaries(st.sampled_from(names), st.integers(0, 10**6), min_size=1, max_size=4),
            min_size=1,
            max_size=40,
        )
    )
    free = data.draw(st.text(max_size=40))  # any text at all, in one column
    rows = []
    for number, change in enumerate(changes):
        bent = {name: _values(kinds[name])[at % len(_values(kinds[name]))] for name, at in change.items()}
        rows.append(records.valid(specification, record, number) | bent | {"record_key": str(number)})
    rows[0]["bz"] = rows[0]["sxbm"] = free
    first, second = _both(specification, record, rows)
    assert first == second


def test_the_whole_gate_and_the_query_agree_on_five_thousand_bent_records(specification, tmp_path):
    chance = random.Random(20171120)
    batch = tmp_path / "b1"
    second = set()
    for record in RECORDS:
        fields = [field for field in records.schema(specification, record) if field.name not in _FIXED]
        rows = []
        for number in range(500):
            row = records.valid(specification, record, number) | {"record_key": f"{record}|{number}"}
            for field in chance.sample(fields, chance.choice([0, 1, 1, 1, 3])):
                row[field.name] = chance.choice(_values(field.type))
            rows.append(row)
        second |= broken_rules(specification, record, records.write(specification, record, rows, batch))
    summary, verdicts = gated(specification, batch, chunk_rows=300)
    found = pq.read_table(verdicts / "findings.parquet").to_pylist()
    assert {(each["record_key"], each["rule_id"], each["field"]) for each in found} == second
    assert len(found) == len(second) > 3000
    assert summary.rows == 5000 and not summary.alarms


def test_a_valid_record_of_every_type_breaks_nothing_in_either_reading(specification):
    for record in RECORDS:
        rows = [
            records.valid(specification, record, number) | {"record_key": str(number)} for number in range(50)
        ]
        assert _both(specification, record, rows) == (set(), set())
