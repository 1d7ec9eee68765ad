"""What Parquet can hold and Python cannot: the gate judges it, and stops at nothing."""

from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.second_reading import broken_rules
from tests.expectations import records
from tests.expectations.conftest import gated

SB, BJ, SL = "EX_GDBS_SB", "EX_GDBS_BJ", "EX_GDBS_SL"
_YEAR_20217 = np.datetime64("20217-01-01T00:00:00", "us").astype("int64")
_YEAR_0 = np.datetime64("0000-01-01T00:00:00", "us").astype("int64")


def _with(specification, folder, record, columns, count=3):
    """A batch of valid records with some columns put in as Arrow arrays."""
    rows = [
        records.valid(specification, record, number) | {"record_key": str(number)} for number in range(count)
    ]
    path = records.write(specification, record, rows, folder)
    table = pq.read_table(path)
    for name, array in columns.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, pa.field(name, array.type), array)
    pq.write_table(table, path)
    return path


def _judged(specification, tmp_path, record, columns):
    """(rule, key) that the gate finds; the second reading must agree and nothing may be left unchecked."""
    path = _with(specification, tmp_path / "b1", record, columns)
    summary, verdicts = gated(specification, tmp_path / "b1")
    assert not summary.alarms and summary.rows == 3
    found = pq.read_table(verdicts / "findings.parquet").to_pylist()
    first = {(each["record_key"], each["rule_id"], each["field"]) for each in found}
    assert first == broken_rules(specification, record, path)
    return found


def test_a_time_beyond_what_python_knows_is_judged_and_shown(specification, tmp_path):
    times = pa.array([_YEAR_20217, _YEAR_0, None], pa.int64()).cast(pa.timestamp("us"))
    found = _judged(specification, tmp_path, SB, {"sbsj": times})
    said = {(each["record_key"], each["rule_id"]): each["masked_value"] for each in found}
    assert said["0", "L1.future"] == "20217-01-01 00:00:00"
    assert said["1", "L1.earliest"] == "0000-01-01 00:00:00"
    assert said["2", "C1.required"] is None
    assert {("0", "N2.sblsh_date"), ("1", "N2.sblsh_date")} <= set(said)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_times_of_any_unit_and_dates_are_judged(specification, tmp_path, unit):
    times = pa.array([datetime(2099, 1, 1), records.APPLIED, datetime(1, 1, 1)]).cast(pa.timestamp(unit))
    found = _judged(specification, tmp_path, SB, {"sbsj": times})
    rules = {(each["record_key"], each["rule_id"]) for each in found}
    assert ("0", "L1.future") in rules and ("2", "L1.earliest") in rules
    assert not {rule for key, rule in rules if key == "1"}


def test_numbers_that_are_none_are_judged(specification, tmp_path):
    amounts = pa.array([float("nan"), float("inf"), float("-inf")])
    found = _judged(specification, tmp_path, BJ, {"sfje": amounts})
    rules = {(each["record_key"], each["rule_id"]) for each in found}
    assert {("0", "N1.type"), ("1", "N1.type"), ("2", "N1.type")} == rules


def test_decimals_of_any_width_are_judged(specification, tmp_path):
    amounts = pa.array(
        [Decimal("9" * 70 + ".99"), Decimal("12.50"), Decimal("-" + "9" * 14 + ".99")], pa.decimal256(76, 2)
    )
    found = _gate_alone(specification, tmp_path, BJ, {"sfje": amounts})
    assert [(each["record_key"], each["rule_id"]) for each in found] == [("0", "N1.type")]


def _gate_alone(specification, tmp_path, record, columns):
    """As `_judged`, for types that DuckDB does not read."""
    _with(specification, tmp_path / "b1", record, columns)
    summary, verdicts = gated(specification, tmp_path / "b1")
    assert not summary.alarms and summary.rows == 3
    return pq.read_table(verdicts / "findings.parquet").to_pylist()


def test_a_number_at_the_edge_of_its_type_is_judged(specification, tmp_path):
    limits = pa.array([2**63 - 1, -(2**63), 20], pa.int64())
    found = _judged(specification, tmp_path, SL, {"gdblsx": limits})
    assert {("0", "N1.type"), ("1", "N1.type")} <= {(each["record_key"], each["rule_id"]) for each in found}


def test_a_column_of_nulls_without_a_type_is_judged_as_missing(specification, tmp_path):
    found = _gate_alone(specification, tmp_path, SB, {"sbxmmc": pa.nulls(3)})
    assert [each["rule_id"] for each in found] == ["C1.required"] * 3


def test_text_where_a_time_belongs_is_held_not_passed(specification, tmp_path):
    _with(specification, tmp_path / "b1", SB, {"sbsj": pa.array(["昨天", "2017-11-20 09:30:00", None])})
    summary, _ = gated(specification, tmp_path / "b1")
    assert summary.total("passed") == summary.total("warned") == 0


def test_texts_stored_as_a_dictionary_are_judged_like_any(specification, tmp_path):
    channels = pa.array(["1", "7", "1"]).dictionary_encode()
    found = _judged(specification, tmp_path, SB, {"tjfs": channels})
    assert [(each["record_key"], each["rule_id"]) for each in found] == [("1", "N1.code")]


def test_null_keys_are_kept_as_they_are(specification, tmp_path):
    found = _gate_alone(specification, tmp_path, SB, {
        "record_key": pa.array([None, "1", None], pa.string()), "tjfs": pa.array(["7", "1", "7"]),
    })  # fmt: skip
    assert [(each["record_key"], each["case_no"][-4:]) for each in found] == [(None, "0000"), (None, "0002")]


def test_the_same_record_twice_in_a_batch_gets_two_verdicts(specification, tmp_path):
    found = _gate_alone(specification, tmp_path, SB, {
        "record_key": pa.array(["a", "a", "a"]), "tjfs": pa.array(["7", "1", "7"]),
    })  # fmt: skip
    assert len(found) == 2
    kept = pq.read_table(tmp_path / "verdicts" / "b1" / "ex_gdbs_sb.parquet")
    assert kept.column("outcome").to_pylist() == ["held", "passed", "held"]
