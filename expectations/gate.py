"""The gate: judge a cut batch record by record, in bounded chunks, and store verdicts and findings as Parquet.

Great Expectations and pandas are imported only once there is something to judge.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from expectations.compiling import Judgement, rule_version
from expectations.loading import site_specification
from expectations.masking import masked
from expectations.model import Specification
from wangting.errors import WangtingError

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)
CHUNK_ROWS = 200_000
_OUTCOMES = ("passed", "warned", "held", "unchecked")
_IDENTITY = ("record_key", "case_no", "version", "unit_code")


class Alarm(BaseModel):
    """A check that could not run: its records stay back, and somebody must look.

    Attributes:
        error: the kind of error, without its message (which may quote values).
        rows: how many records of the chunk stay back because of it.
    """

    record: str
    rule_id: str
    field: str
    error: str
    rows: int


class GateSummary(BaseModel):
    """What the gate found in one batch.

    Attributes:
        outcomes: record type → outcome → records.
        findings: rule id → findings.
        seconds: wall time of the judging, imports included.
    """

    batch_id: str
    rule_version: str
    outcomes: dict[str, dict[str, int]] = {}
    findings: dict[str, int] = {}
    alarms: list[Alarm] = []
    seconds: float = 0.0

    def total(self, outcome: str) -> int:
        """Records of all types with this outcome."""
        return sum(counts.get(outcome, 0) for counts in self.outcomes.values())

    @property
    def rows(self) -> int:
        """Records judged."""
        return sum(self.total(outcome) for outcome in _OUTCOMES)


def judge(batch_id: str) -> GateSummary:
    """Judge one cut batch of the ledger and note the result there.

    Repeating it gives the same files and the same ledger row; a batch already sent on keeps its state.

    Raises:
        WangtingError: the batch is unknown, or its files cannot be read.
    """
    from sqlalchemy import select, update

    from wangting import clock, ledger, settings

    known = ledger.rows(select(ledger.batches).where(ledger.batches.c.batch_id == batch_id))
    if not known:
        raise WangtingError(f"没有批次 {batch_id}", place="台账 batches", mend="先运行 wangting cut")
    home = settings.home()
    summary = judge_folder(home / "batches" / batch_id, home / "verdicts" / batch_id, site_specification())
    if summary.rows != known[0]["rows"]:
        raise WangtingError(
            f"批次应有 {known[0]['rows']} 条记录，文件中只有 {summary.rows} 条",
            place=str(home / "batches" / batch_id),
            mend="从备份恢复该批次的文件后重新判定",
        )
    values: dict[str, Any] = {outcome: summary.total(outcome) for outcome in _OUTCOMES}
    values |= {"rule_version": summary.rule_version, "gated_at": clock.now()}
    if known[0]["state"] == "cut":
        values["state"] = "gated"
    with ledger.transaction() as connection:
        connection.execute(
            update(ledger.batches).where(ledger.batches.c.batch_id == batch_id).values(**values)
        )
    return summary


def judge_folder(
    batch_folder: Path, verdict_folder: Path, specification: Specification, *, chunk_rows: int = CHUNK_ROWS
) -> GateSummary:
    """Judge the Parquet files of a batch; needs neither ledger nor site.

    Args:
        batch_folder: <record lower>.parquet files, as the cut writes them; its name is the batch's.
        verdict_folder: gets a verdict file for each of them, and findings.parquet; nothing half-written shows there.
        chunk_rows: how many records are in memory at once.

    Raises:
        WangtingError: a file cannot be read, or lacks the columns that name a record.
    """
    started = time.perf_counter()
    summary = GateSummary(batch_id=batch_folder.name, rule_version=rule_version(specification))
    verdict_folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in verdict_folder.parent.glob(f".{verdict_folder.name}.*"):  # by a judgement that was killed
        shutil.rmtree(left)
    work = Path(tempfile.mkdtemp(prefix=f".{verdict_folder.name}.", dir=verdict_folder.parent))
    try:
        _judge_into(work, batch_folder, specification, chunk_rows, summary)
        _show(work, verdict_folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    summary.seconds = round(time.perf_counter() - started, 3)
    for alarm in summary.alarms:
        log.error("check %s of %s could not run: %s", alarm.rule_id, alarm.record, alarm.error)
    return summary


def _show(work: Path, verdict_folder: Path) -> None:
    """Make the finished files visible: the whole folder at once, or file by file over an earlier judgement."""
    if not verdict_folder.exists():
        work.rename(verdict_folder)
        return
    made = {path.name for path in work.iterdir()}
    for path in sorted(work.iterdir()):
        path.replace(verdict_folder / path.name)
    for old in verdict_folder.iterdir():
        if old.name not in made:
            old.unlink()


def _schemas() -> tuple[pa.Schema, pa.Schema]:
    """The columns of a verdict file and of findings.parquet."""
    import pyarrow as pa

    text = pa.string()
    verdicts = pa.schema(
        [("record_key", text), ("case_no", text), ("version", pa.int32()), ("outcome", text)]
    )
    names = (
        "record",
        "record_key",
        "version",
        "case_no",
        "unit_code",
        "rule_id",
        "family",
        "severity",
        "field",
    )
    kinds = {"version": pa.int32()}
    findings = [(name, kinds.get(name, text)) for name in (*names, "masked_value", "rule_version")]
    return verdicts, pa.schema(findings)


def _judge_into(
    work: Path, batch_folder: Path, specification: Specification, chunk_rows: int, summary: GateSummary
) -> None:
    import pyarrow.parquet as pq

    verdict_schema, finding_schema = _schemas()
    found: Counter[str] = Counter()
    with pq.ParquetWriter(work / "findings.parquet", finding_schema, compression="zstd") as findings:
        for record in specification.exchanged:
            path = batch_folder / f"{record.lower()}.parquet"
            if not path.is_file():
                continue
            counts: Counter[str] = Counter()
            with (
                _opened(path) as file,
                pq.ParquetWriter(work / path.name, verdict_schema, compression="zstd") as verdicts,
            ):
                if file.metadata.num_rows:
                    judge_chunk = _Judge(specification, record, summary.rule_version)
                    for table in judge_chunk.chunks(file, path, chunk_rows):
                        verdict, finding, alarms = judge_chunk(table, verdict_schema, finding_schema)
                        verdicts.write_table(verdict)
                        findings.write_table(finding)
                        counts.update(verdict.column("outcome").to_pylist())
                        found.update(finding.column("rule_id").to_pylist())
                        summary.alarms.extend(alarms)
            summary.outcomes[record] = {outcome: counts[outcome] for outcome in _OUTCOMES}
    summary.findings = dict(sorted(found.items()))
    if summary.alarms:
        told = [alarm.model_dump() for alarm in summary.alarms]
        (work / "alarms.json").write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")
    for path in work.iterdir():
        path.chmod(0o600)


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise WangtingError("批次文件无法读取", place=str(path), mend="从备份恢复该文件后重新判定") from error


class _Judge:
    """Judges the chunks of one record type."""

    def __init__(self, specification: Specification, record: str, version: str) -> None:
        from expectations.suites import RecordSuite

        self.record, self.version = record, version
        self.fields = specification.records[record].fields
        self.suite = RecordSuite(specification, record)

    def chunks(self, file: Any, path: Path, chunk_rows: int) -> Any:
        """The file's rows in bounded pieces, only the columns that are needed and there."""
        import pyarrow as pa

        there = set(file.schema_arrow.names)
        missing = [name for name in _IDENTITY if name not in there]
        if missing:
            raise WangtingError(
                f"批次文件缺少列 {'、'.join(missing)}",
                place=str(path),
                mend="重新构建交换记录后再运行 wangting cut",
            )
        wanted = [name for name in dict.fromkeys([*_IDENTITY, *self.suite.columns()]) if name in there]
        for batch in file.iter_batches(batch_size=chunk_rows, columns=wanted):
            yield pa.Table.from_batches([batch])

    def __call__(
        self, table: pa.Table, verdict_schema: pa.Schema, finding_schema: pa.Schema
    ) -> tuple[pa.Table, pa.Table, list[Alarm]]:
        """Verdicts and findings of one chunk, and the alarms of checks that could not run."""
        import numpy as np
        import pyarrow as pa

        count = table.num_rows
        failing, unchecked = self.suite.judge(_frame(table))
        blocked, noted = np.zeros(count, bool), np.zeros(count, bool)
        # Two checks of one field may stand for one rule (a division's digits, no control character): one finding.
        together: dict[tuple[str, str], list[Judgement]] = {}
        for key in failing:
            judgement = self.suite.judgements[key]
            together.setdefault((judgement.rule_id, judgement.field), []).append(judgement)
        parts: list[pa.Table] = []
        for same in together.values():
            broken = np.zeros(count, bool)
            for judgement in same:
                broken[failing[judgement.key]] = True
            if same[0].severity != "info":
                (blocked if same[0].severity == "block" else noted)[broken] = True
            parts.append(self._findings(same[0], table, np.flatnonzero(broken), finding_schema))
        # What is known to be wrong is held for that; a check that could not run keeps back only the others.
        rest = "unchecked" if unchecked else "passed"
        outcome = np.where(blocked, "held", np.where(noted & (not unchecked), "warned", rest))
        verdict = pa.table(
            [
                table.column("record_key"),
                table.column("case_no"),
                table.column("version").cast(pa.int32()),
                pa.array(outcome, pa.string()),
            ],
            schema=verdict_schema,
        )
        stays_back = int((outcome == "unchecked").sum())
        alarms = [
            Alarm(
                record=self.record,
                rule_id=self.suite.judgements[key].rule_id,
                field=self.suite.judgements[key].field,
                error=error,
                rows=stays_back,
            )
            for key, error in unchecked.items()
        ]
        return verdict, pa.concat_tables(parts) if parts else finding_schema.empty_table(), alarms

    def _findings(
        self, judgement: Judgement, table: pa.Table, rows: Any, finding_schema: pa.Schema
    ) -> pa.Table:
        import pyarrow as pa

        taken = table.select([*_IDENTITY, judgement.check.field]).take(pa.array(rows))
        mask = self.fields[judgement.field].mask
        said = pa.array([masked(value, mask) for value in taken.column(-1).to_pylist()], pa.string())
        constant = {
            "record": self.record,
            "rule_id": judgement.rule_id,
            "family": judgement.family,
            "severity": judgement.severity,
            "field": judgement.field,
            "rule_version": self.version,
        }
        columns = {
            name: pa.repeat(pa.scalar(value, pa.string()), len(rows)) for name, value in constant.items()
        }
        columns |= {name: taken.column(name) for name in _IDENTITY}
        columns |= {"masked_value": said}
        return pa.table([columns[name] for name in finding_schema.names], names=finding_schema.names).cast(
            finding_schema
        )


def _frame(table: pa.Table) -> Any:
    """A chunk as pandas: text as `str` (half the time of object), everything else left in Arrow; a RangeIndex."""
    import pandas as pd
    import pyarrow as pa

    text = pd.StringDtype(storage="pyarrow", na_value=float("nan"))

    def dtype(kind: pa.DataType) -> Any:
        return text if pa.types.is_string(kind) or pa.types.is_large_string(kind) else pd.ArrowDtype(kind)

    return table.to_pandas(types_mapper=dtype)


def open_batches() -> list[str]:
    """The batches that were cut and not yet judged, oldest first."""
    from sqlalchemy import select

    from wangting import ledger

    query = select(ledger.batches.c.batch_id).where(ledger.batches.c.state == "cut")
    return [row["batch_id"] for row in ledger.rows(query.order_by(ledger.batches.c.batch_id))]
