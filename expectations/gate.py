"""The gate: judge a cut batch record by record, in bounded chunks, and store verdicts and findings as Parquet.

Great Expectations and pandas are imported only once there is something to judge.
"""

from __future__ import annotations

import gc
import json
import logging
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from expectations.compiling import Judgement, rule_version
from expectations.loading import site_specification
from expectations.model import Specification
from wangting import at_rest
from wangting.errors import WangtingError

if TYPE_CHECKING:
    import pyarrow as pa

    from expectations.evidence import FindingsFile

log = logging.getLogger(__name__)
CHUNK_ROWS = 200_000
# And no more than this of a chunk in memory: a few long texts a record, and 200,000 of them are gigabytes.
CHUNK_BYTES = 128 << 20
_PIECE_ROWS = 5_000  # what is read at once, before its size is known
_OUTCOMES = ("passed", "warned", "held", "unchecked")


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
        documents: the page that shows what was found; None where nothing is held or unchecked.
    """

    batch_id: str
    rule_version: str
    outcomes: dict[str, dict[str, int]] = {}
    findings: dict[str, int] = {}
    alarms: list[Alarm] = []
    seconds: float = 0.0
    documents: str | None = None

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

    from expectations.alarming import announce
    from wangting import clock, ledger, settings

    known = ledger.rows(select(ledger.batches).where(ledger.batches.c.batch_id == batch_id))
    if not known:
        raise WangtingError(f"没有批次 {batch_id}", place="台账 batches", mend="先运行 wangting cut")
    if known[0]["reduced_at"] is not None:
        raise WangtingError(
            f"该批次的内容已于 {known[0]['reduced_at']:%Y-%m-%d} 按留存期清除，不能重新判定",
            place=batch_id,
            mend="以原有的判定为准；确需重判时从备份恢复该批次",
        )
    home = settings.home()
    specification = site_specification()
    summary = judge_folder(home / "batches" / batch_id, home / "verdicts" / batch_id, specification)
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
    announce(summary, home / "verdicts" / batch_id, specification)
    summary.documents = _shown(home / "verdicts" / batch_id, specification)
    return summary


def _shown(verdict_folder: Path, specification: Specification) -> str | None:
    """The page of what was found; it is derived and can be made again, so its failure stops nothing."""
    from expectations.documents import make

    try:
        page = make(verdict_folder, specification)
    except Exception as error:
        log.error("the page of %s could not be made: %s", verdict_folder.name, type(error).__name__)
        return None
    return str(page) if page else None


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
        if old.is_dir():
            shutil.rmtree(old)  # the page of the earlier judgement
        elif old.name not in made:
            old.unlink()


def _judge_into(
    work: Path, batch_folder: Path, specification: Specification, chunk_rows: int, summary: GateSummary
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from expectations.evidence import VERDICTS, FindingsFile

    with FindingsFile(work / "findings.parquet") as findings:
        for record in specification.exchanged:
            path = batch_folder / f"{record.lower()}.parquet"
            if not path.is_file():
                continue
            counts: Counter[str] = Counter()
            columns, rows = _shape(path)
            with pq.ParquetWriter(work / path.name, VERDICTS, compression="zstd") as verdicts:
                if rows:
                    judge_chunk = _Judge(specification, record, summary.rule_version)
                    for table in judge_chunk.chunks(path, columns, chunk_rows):
                        is_large = table.nbytes > CHUNK_BYTES // 4
                        verdicts.write_table(judge_chunk(table, findings, counts))
                        del table  # before the next one is read
                        if is_large:
                            # Great Expectations' objects know each other in circles, and the chunk with them.
                            gc.collect()
                            pa.default_memory_pool().release_unused()
                    summary.alarms.extend(judge_chunk.alarms.values())
            summary.outcomes[record] = {outcome: counts[outcome] for outcome in _OUTCOMES}
        summary.findings = dict(sorted(findings.counts.items()))
    if summary.alarms:
        told = [alarm.model_dump() for alarm in summary.alarms]
        (work / "alarms.json").write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")
    for path in work.iterdir():
        path.chmod(0o600)


def _shape(path: Path) -> tuple[list[str], int]:
    """The columns of a batch file and how many rows it has."""
    import pyarrow as pa

    try:
        return at_rest.shape(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise WangtingError("批次文件无法读取", place=str(path), mend="从备份恢复该文件后重新判定") from error


class _Judge:
    """Judges the chunks of one record type.

    Attributes:
        alarms: what could not run so far, by judgement and kind of error.
    """

    def __init__(self, specification: Specification, record: str, version: str) -> None:
        from expectations.suites import RecordSuite

        self.record, self.version = record, version
        self.fields = specification.records[record].fields
        self.suite = RecordSuite(specification, record)
        self.alarms: dict[tuple[str, str], Alarm] = {}

    def chunks(self, path: Path, columns: list[str], chunk_rows: int) -> Iterator[pa.Table]:
        """The file's rows in bounded pieces, only the columns that are needed and there."""
        from expectations.evidence import IDENTITY
        from expectations.vectors import in_one_piece

        there = set(columns)
        missing = [name for name in IDENTITY if name not in there]
        if missing:
            raise WangtingError(
                f"批次文件缺少列 {'、'.join(missing)}",
                place=str(path),
                mend="重新构建交换记录后再运行 wangting cut",
            )
        wanted = [name for name in dict.fromkeys([*IDENTITY, *self.suite.columns()]) if name in there]
        waiting: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in at_rest.record_batches(path, wanted, min(chunk_rows, _PIECE_ROWS)):
            if waiting and (rows + batch.num_rows > chunk_rows or size + batch.nbytes > CHUNK_BYTES):
                yield in_one_piece(waiting)
                rows = size = 0
            waiting.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
        if waiting:
            yield in_one_piece(waiting)

    def __call__(self, table: pa.Table, findings: FindingsFile, counts: Counter[str]) -> pa.Table:
        """Judge one chunk: its findings are written, its outcomes counted; returns its verdicts."""
        import numpy as np

        from expectations import evidence
        from expectations.vectors import frame

        failing, unchecked = self.suite.judge(frame(table))
        blocked, noted, unsure = (np.zeros(table.num_rows, bool) for _ in range(3))
        # Two checks of one field may stand for one rule (a division's digits, no control character): one finding.
        together: dict[tuple[str, str], list[Judgement]] = {}
        for key, judgement in self.suite.judgements.items():
            if key in failing:
                together.setdefault((judgement.rule_id, judgement.field), []).append(judgement)
        for (_, field), same in together.items():
            broken = np.logical_or.reduce([failing[judgement.key] for judgement in same])
            if same[0].severity != "info":
                (blocked if same[0].severity == "block" else noted)[broken] = True
            rows, mask = np.flatnonzero(broken), self.fields[field].mask
            findings.add(evidence.findings(self.record, same[0], table, rows, mask, self.version))
        for lost in unchecked.values():
            unsure |= lost.rows
        # What is known to be wrong is held for that; a check that could not run keeps back only the others.
        unsure &= ~blocked
        outcome = np.where(
            blocked, "held", np.where(unsure, "unchecked", np.where(noted, "warned", "passed"))
        )
        for key, lost in unchecked.items():
            self._tell(self.suite.judgements[key], lost.error, int((lost.rows & unsure).sum()))
        counts.update(evidence.outcome_counts(outcome))
        return evidence.verdicts(table, outcome)

    def _tell(self, judgement: Judgement, error: str, rows: int) -> None:
        told = Alarm(
            record=self.record, rule_id=judgement.rule_id, field=judgement.field, error=error, rows=rows
        )
        known = self.alarms.get((judgement.key, error))
        if known is not None:
            told.rows += known.rows
        self.alarms[judgement.key, error] = told


def open_batches() -> list[str]:
    """The batches that were cut and not yet judged, oldest first."""
    from sqlalchemy import select

    from wangting import ledger

    query = select(ledger.batches.c.batch_id).where(ledger.batches.c.state == "cut")
    return [row["batch_id"] for row in ledger.rows(query.order_by(ledger.batches.c.batch_id))]
