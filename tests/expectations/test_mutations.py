"""The two readings on mutated records: they agree to the field, and where one of them goes silent it is noticed."""

import random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.checks import CHECKS
from expectations.compiling import judgements
from expectations.second_reading import broken_rules, query
from expectations.vectors import Rows, frame
from tests.expectations import mutations, records
from tests.expectations.conftest import gated

RECORDS = list(records.CONTEXT)


def _table(specification, record, rows):
    return pa.Table.from_pylist(rows, schema=records.schema(specification, record))


def _arrow(specification, record, table):
    """(row, rule, field) of what the Arrow reading finds."""
    chunk = Rows(frame(table))
    return {
        (int(row), rule.rule_id, rule.field)
        for rule in judgements(specification, record)
        for row in rule.check.bad(chunk).nonzero()[0]
    }


def _sql(specification, record, table):
    """(row, rule, field) of what the SQL reading finds."""
    con, rules = duckdb.connect(), judgements(specification, record)
    con.register("bent", table)
    return {
        (int(key), rules[at].rule_id, rules[at].field)
        for key, broken in con.execute(query(specification, record, "bent")).fetchall()
        for at in broken
    }


@pytest.mark.parametrize("record", RECORDS)
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**63))
def test_both_readings_agree_on_mutated_records(specification, record, seed):
    table = _table(specification, record, mutations.batch(specification, record, 60, seed))
    assert _arrow(specification, record, table) == _sql(specification, record, table)


@pytest.mark.parametrize("change", sorted(mutations.TEXT))
def test_both_readings_agree_on_every_text_field_under_each_mutation(specification, change):
    chance = random.Random(change)
    for record in RECORDS:
        rows = []
        for name, field in specification.records[record].fields.items():
            if field.type == "text":
                row = records.valid(specification, record, len(rows)) | {"record_key": str(len(rows))}
                bent = mutations.TEXT[change](row[name.lower()] or "", field.bytes or 10, chance)
                rows.append(row | {name.lower(): bent})
        table = _table(specification, record, rows)
        assert _arrow(specification, record, table) == _sql(specification, record, table), record


@pytest.fixture(scope="module")
def bent(specification):
    """Mutated records of every type, and what both readings find in them while nothing is broken."""
    tables = {
        record: _table(specification, record, mutations.batch(specification, record, 1500, 7))
        for record in RECORDS
    }
    found = {record: _arrow(specification, record, table) for record, table in tables.items()}
    assert found == {record: _sql(specification, record, table) for record, table in tables.items()}
    return tables, found


def _used(specification):
    return sorted({each.check.kind for record in RECORDS for each in judgements(specification, record)})


def test_every_check_is_in_use_and_every_rule_finds_something(specification, bent):
    _, found = bent
    for record in RECORDS:
        hit = {rule for _, rule, _ in found[record]}
        never = {each.rule_id for each in judgements(specification, record)} - hit
        assert not never, record
    assert _used(specification) == sorted(CHECKS)


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_a_check_that_goes_silent_in_the_arrow_reading_is_noticed(specification, bent, monkeypatch, kind):
    tables, found = bent
    monkeypatch.setattr(CHECKS[kind], "broken", lambda self, rows: rows.nowhere())
    assert any(_arrow(specification, record, tables[record]) != found[record] for record in RECORDS)


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_a_check_that_goes_silent_in_the_sql_reading_is_noticed(specification, bent, monkeypatch, kind):
    tables, found = bent
    monkeypatch.setattr(CHECKS[kind], "broken_sql", lambda self: "false")
    assert any(_sql(specification, record, tables[record]) != found[record] for record in RECORDS)


def test_a_check_that_calls_everything_broken_is_noticed_too(specification, bent, monkeypatch):
    tables, found = bent
    monkeypatch.setattr(CHECKS["codes"], "broken_sql", lambda self: "true")
    assert any(_sql(specification, record, tables[record]) != found[record] for record in RECORDS)


def test_every_declared_attribute_and_every_line_of_a_rule_is_judged(specification):
    """Both readings start from the same judgements: what is lost on the way there, neither would miss."""
    for record in RECORDS:
        declared = specification.records[record]
        made = {(each.field, each.check.kind) for each in judgements(specification, record)}
        for name, field in declared.fields.items():
            wanted = {"required"} if field.required else set()
            wanted |= {"length", "printable"} if field.type == "text" else set()
            wanted |= {"codes"} if field.codes else set()
            wanted |= {"digits"} if field.digits else set()
            assert {(name, kind) for kind in wanted} <= made, (record, name)
            if field.format:
                assert {(name, "shape"), (name, "case_number")} & made, (record, name)
        ruled = {each.rule_id for each in judgements(specification, record)}
        assert set(declared.rules) - set(specification.disabled) <= ruled, record


@pytest.mark.large
def test_the_gate_and_the_query_agree_on_a_hundred_thousand_mutated_records(specification, tmp_path, capsys):
    second, total = set(), 0
    for record in RECORDS:
        rows = [
            row | {"record_key": f"{record}|{row['record_key']}"}
            for row in mutations.batch(specification, record, 10_000, 20171120)
        ]
        total += len(rows)
        path = records.write(specification, record, rows, tmp_path / "b1")
        second |= broken_rules(specification, record, path)
    summary, verdicts = gated(specification, tmp_path / "b1")
    found = pq.read_table(verdicts / "findings.parquet", columns=["record_key", "rule_id", "field"])
    first = set(zip(*(column.to_pylist() for column in found.columns), strict=True))
    with capsys.disabled():
        rules = len({rule for _, rule, _ in first})
        print(  # noqa: T201 (the figure of the large run)
            f"\n{total:,} mutated records, {found.num_rows:,} findings of {rules} rules, "
            f"{len(first ^ second):,} differences between the readings"
        )
    assert first == second
    assert found.num_rows == len(first) and summary.rows == total == 100_000 and not summary.alarms
