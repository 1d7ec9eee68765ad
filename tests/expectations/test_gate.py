"""The gate: verdicts and findings of a batch, masked, complete, in bounded chunks; what it cannot check stays back."""

import subprocess
import sys
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from expectations import gate, suites, vectors
from expectations.compiling import rule_version
from expectations.loading import load_specification
from tests.expectations import records
from tests.expectations.conftest import gated
from wangting import ledger
from wangting.errors import WangtingError

SB = "EX_GDBS_SB"


def _rows(specification, count, record=SB):
    return [records.valid(specification, record, number) for number in range(count)]


def _verdicts(folder, record=SB):
    return {
        each["record_key"]: each for each in pq.read_table(folder / f"{record.lower()}.parquet").to_pylist()
    }


def test_each_record_gets_one_verdict_and_the_worst_finding_decides(specification, tmp_path):
    rows = _rows(specification, 4)
    rows[1]["lxrsj"] = "不详"
    rows[2] |= {"lxrsj": "不详", "tjfs": "7"}
    records.write(specification, SB, rows, tmp_path / "b1")
    summary, verdicts = gated(specification, tmp_path / "b1")
    outcomes = [_verdicts(verdicts)[row["record_key"]]["outcome"] for row in rows]
    assert outcomes == ["passed", "warned", "held", "passed"]
    assert summary.outcomes == {SB: {"passed": 2, "warned": 1, "held": 1, "unchecked": 0}}
    assert summary.findings == {"N1.code": 1, "N3.mobile": 2}
    assert pq.read_schema(verdicts / "ex_gdbs_sb.parquet").names == [
        "record_key",
        "case_no",
        "version",
        "outcome",
    ]


def test_a_finding_names_record_rule_and_field_and_masks_the_value(specification, tmp_path):
    rows = _rows(specification, 3)
    rows[0]["sqrmc"] = "测试人员"
    rows[1]["sqrzjhm"] = "445102196001010007"
    rows[2] |= {"lxrsj": "0768-2212345", "sbxmmc": "长" * 1001}
    records.write(specification, SB, rows, tmp_path / "b1")
    _, verdicts = gated(specification, tmp_path / "b1")
    table = pq.read_table(verdicts / "findings.parquet")
    assert table.schema.names == [
        "record", "record_key", "version", "case_no", "unit_code", "rule_id", "family", "severity", "field",
        "masked_value", "rule_version",
    ]  # fmt: skip
    found = {each["field"]: each for each in table.to_pylist()}
    assert found["SQRMC"]["masked_value"] == "测**"
    assert found["SQRZJHM"]["masked_value"] == "445***07"
    assert found["LXRSJ"]["masked_value"] == "076****2345"
    assert found["SBXMMC"]["masked_value"] == "（1001字）"
    one = found["SQRZJHM"]
    assert one["record"] == SB and one["unit_code"] == records.UNIT and one["case_no"] == rows[1]["case_no"]
    assert (one["rule_id"], one["family"], one["severity"]) == ("N3.id_number", "规范性", "block")
    assert one["rule_version"] == rule_version(specification)
    stored = b"".join(path.read_bytes() for path in verdicts.iterdir())
    assert b"445102196001010007" not in stored and "测试人员".encode() not in stored


def test_the_size_of_a_chunk_changes_nothing(specification, tmp_path):
    rows = _rows(specification, 40)
    for number in range(0, 40, 3):
        rows[number]["tjfs"] = "7"
    records.write(specification, SB, rows, tmp_path / "b1")
    one, whole = gated(specification, tmp_path / "b1")
    whole = {path.name: pq.read_table(path) for path in whole.iterdir()}
    other, pieces = gated(specification, tmp_path / "b1", chunk_rows=7)
    assert {path.name: pq.read_table(path) for path in pieces.iterdir()} == whole
    assert one.outcomes == other.outcomes and one.findings == other.findings


def test_judging_again_replaces_what_was_there_and_leaves_no_draft(specification, tmp_path):
    rows = _rows(specification, 5)
    rows[0]["tjfs"] = "7"
    records.write(specification, SB, rows, tmp_path / "b1")
    first, verdicts = gated(specification, tmp_path / "b1")
    before = {path.name: path.read_bytes() for path in verdicts.iterdir()}
    (verdicts / "ex_gdbs_old.parquet").write_bytes(b"left by an earlier judgement")
    second, _ = gated(specification, tmp_path / "b1")
    assert {path.name: path.read_bytes() for path in verdicts.iterdir()} == before
    assert first.outcomes == second.outcomes
    assert [path.name for path in verdicts.parent.iterdir()] == ["b1"]


def test_a_check_that_cannot_run_is_an_outcome_of_its_own_and_spares_the_others(specification, tmp_path):
    rows = _rows(specification, 3)
    rows[0]["tjfs"] = "7"
    rows[1]["lxrsj"] = "不详"
    path = records.write(specification, SB, rows, tmp_path / "b1")
    pq.write_table(pq.read_table(path).drop_columns(["ctx_item_is_known"]), path)
    summary, verdicts = gated(specification, tmp_path / "b1")
    assert [_verdicts(verdicts)[row["record_key"]]["outcome"] for row in rows] == [
        "held",
        "unchecked",
        "unchecked",
    ]
    assert summary.findings == {"N1.code": 1, "N3.mobile": 1}
    assert [(alarm.rule_id, alarm.rows) for alarm in summary.alarms] == [("N4.item_known", 2)]
    assert summary.alarms[0].error == "KeyError"
    assert "N4.item_known" in (verdicts / "alarms.json").read_text("utf-8")


def test_two_checks_that_fail_to_run_leave_all_others_judged(specification, tmp_path, monkeypatch):
    from expectations.checks import InCodes, NotAfter

    def broken(self, rows):
        raise ZeroDivisionError("445102196001010007")

    monkeypatch.setattr(InCodes, "broken", broken)
    monkeypatch.setattr(NotAfter, "broken", broken)
    rows = _rows(specification, 3)
    rows[0]["sbxmmc"] = "无"
    records.write(specification, SB, rows, tmp_path / "b1")
    summary, verdicts = gated(specification, tmp_path / "b1")
    assert [_verdicts(verdicts)[row["record_key"]]["outcome"] for row in rows] == [
        "held",
        "unchecked",
        "unchecked",
    ]
    assert {alarm.rule_id for alarm in summary.alarms} == {"N1.code", "L1.future"}
    assert summary.findings == {"C1.required": 1}
    assert "445102196001010007" not in summary.model_dump_json()


def test_a_result_that_never_comes_counts_as_unchecked(specification, monkeypatch):
    suite = suites.RecordSuite(specification, "EX_GDBS_LQDJ")
    lost = suite.suite.expectations.pop()
    frame = vectors.frame(
        pa.Table.from_pylist(
            [records.valid(specification, "EX_GDBS_LQDJ")],
            schema=records.schema(specification, "EX_GDBS_LQDJ"),
        )
    )
    failing, unchecked = suite.judge(frame)
    assert failing == {} and list(unchecked) == [lost.meta["key"]]


def test_an_empty_batch_is_judged_without_importing_great_expectations(tmp_path):
    code = (
        "import sys; from pathlib import Path; from expectations.gate import judge_folder;"
        "from expectations.loading import load_specification;"
        f"s = judge_folder(Path({str(tmp_path / 'b1')!r}), Path({str(tmp_path / 'v1')!r}), load_specification());"
        "print(s.rows, 'great_expectations' in sys.modules, 'pandas' in sys.modules)"
    )
    (tmp_path / "b1").mkdir()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False", "False"]
    assert pq.read_table(tmp_path / "v1" / "findings.parquet").num_rows == 0


def test_an_unreadable_batch_file_is_one_clear_sentence_and_shows_no_verdict(specification, tmp_path):
    (tmp_path / "b1").mkdir()
    (tmp_path / "b1" / "ex_gdbs_sb.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(
        WangtingError, match=r"ex_gdbs_sb.parquet】批次文件无法读取；从备份恢复该文件后重新判定。"
    ):
        gated(specification, tmp_path / "b1")
    assert not (tmp_path / "verdicts" / "b1").exists()
    assert list((tmp_path / "verdicts").iterdir()) == []


def test_a_batch_without_the_columns_that_name_a_record_is_refused(specification, tmp_path):
    path = records.write(specification, SB, _rows(specification, 1), tmp_path / "b1")
    pq.write_table(pq.read_table(path).drop_columns(["version"]), path)
    with pytest.raises(WangtingError, match="缺少列 version"):
        gated(specification, tmp_path / "b1")


@pytest.fixture
def cut(home, specification):
    """A batch in the ledger, as the cut leaves it; its one bad record first."""
    rows = _rows(specification, 3)
    rows[0]["tjfs"] = "7"
    records.write(specification, SB, rows, home / "batches" / "b1")
    ledger.record(
        ledger.batches, batch_id="b1", state="cut", mode="full", cut_at=datetime(2017, 12, 1, 12), rows=3
    )
    return "b1"


def test_the_ledger_learns_what_the_gate_found(cut):
    assert gate.open_batches() == [cut]
    gate.judge(cut)
    row = ledger.rows(select(ledger.batches))[0]
    assert (row["state"], row["passed"], row["warned"], row["held"], row["unchecked"]) == (
        "gated",
        2,
        0,
        1,
        0,
    )
    assert row["rule_version"] and row["gated_at"]
    assert gate.open_batches() == []


def test_a_batch_whose_files_lack_records_is_not_taken_as_judged(cut, home):
    (home / "batches" / cut / "ex_gdbs_sb.parquet").unlink()
    with pytest.raises(WangtingError, match="批次应有 3 条记录，文件中只有 0 条"):
        gate.judge(cut)
    assert gate.open_batches() == [cut]


def test_an_unknown_batch_is_one_clear_sentence(home):
    with pytest.raises(WangtingError, match="没有批次 b9"):
        gate.judge("b9")


def test_the_command_judges_every_open_batch_and_says_so_in_json(cut, capsys):
    import json

    from expectations.commands import gate as command

    command(batch=None, documents=False, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told[0]["batch_id"] == cut and told[0]["findings"] == {"N1.code": 1}
    command(batch=None, documents=False, as_json=True)
    assert json.loads(capsys.readouterr().out) == []


def test_a_decimal_amount_that_is_missing_is_found(specification, tmp_path):
    rows = _rows(specification, 2, "EX_GDBS_BJ")
    rows[0]["sfje"] = None
    records.write(specification, "EX_GDBS_BJ", rows, tmp_path / "b1")
    summary, _ = gated(specification, tmp_path / "b1")
    assert summary.findings == {"C1.required": 1, "C3.licence_details": 1}


def test_the_rule_version_changes_with_what_judges_and_not_with_how_it_is_worded(specification):
    version = rule_version(specification)
    assert version == rule_version(load_specification())
    worded = specification.model_copy(
        update={"general": specification.general.model_copy(update={"title": "x"})}
    )
    assert rule_version(worded) == version
    later = specification.general.model_copy(update={"length_encoding": "utf-8"})
    assert rule_version(specification.model_copy(update={"general": later})) != version
    assert rule_version(specification.model_copy(update={"disabled": {"N3.mobile": "why"}})) != version
