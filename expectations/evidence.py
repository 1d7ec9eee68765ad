"""What the gate keeps of its judgement, as Arrow tables: a verdict a record, a finding a broken rule; values masked."""

from collections import Counter
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.compiling import Judgement
from expectations.masking import masked
from expectations.model import Mask

# What names a record, in the batch file and in its evidence.
IDENTITY = ("record_key", "case_no", "version", "unit_code")
_TEXT = pa.string()
VERDICTS = pa.schema([("record_key", _TEXT), ("case_no", _TEXT), ("version", pa.int32()), ("outcome", _TEXT)])
FINDINGS = pa.schema(
    [("record", _TEXT), ("record_key", _TEXT), ("version", pa.int32()), ("case_no", _TEXT)]
    + [(name, _TEXT) for name in ("unit_code", "rule_id", "family", "severity", "field", "masked_value")]
    + [("rule_version", _TEXT)]
)
_FLUSH_ROWS = 100_000  # findings in memory before they are written: a chunk may break every rule in every row


def verdicts(table: pa.Table, outcome: npt.NDArray[np.str_]) -> pa.Table:
    """One verdict a record of the chunk, in its order."""
    columns = [table.column("record_key"), table.column("case_no"), table.column("version")]
    return pa.table([*columns, pa.array(outcome, _TEXT)], names=VERDICTS.names).cast(VERDICTS)


def findings(
    record: str,
    judgement: Judgement,
    table: pa.Table,
    rows: npt.NDArray[np.int64],
    mask: Mask | None,
    version: str,
) -> pa.Table:
    """What one rule found in one field: a row for each of `rows` (positions in the chunk)."""
    taken = table.select([*IDENTITY, judgement.check.field]).take(pa.array(rows))
    constant = {
        "record": record,
        "rule_id": judgement.rule_id,
        "family": judgement.family,
        "severity": judgement.severity,
        "field": judgement.field,
        "rule_version": version,
    }
    columns = {name: pa.repeat(pa.scalar(value, _TEXT), len(rows)) for name, value in constant.items()}
    columns |= {name: taken.column(name) for name in IDENTITY}
    columns |= {"masked_value": _masked(taken.column(judgement.check.field), mask)}
    return pa.table([columns[name] for name in FINDINGS.names], names=FINDINGS.names).cast(FINDINGS)


def _masked(values: pa.ChunkedArray, mask: Mask | None) -> pa.Array:
    """The values as evidence may keep them; each different one is masked once."""
    # As text by Arrow, not by Python: Parquet holds times that a datetime does not (the year 20217).
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("s", values.type.tz), safe=False)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        values = values.cast(_TEXT)
    coded = values.combine_chunks().dictionary_encode()
    said = pa.array([masked(value, mask) for value in coded.dictionary.to_pylist()], _TEXT)
    return said.take(coded.indices)


class FindingsFile:
    """findings.parquet while it is written, in bounded memory.

    Attributes:
        counts: rule id → findings.
    """

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, FINDINGS, compression="zstd")
        self._waiting: list[pa.Table] = []
        self.counts: Counter[str] = Counter()

    def add(self, table: pa.Table) -> None:
        """The findings of one rule."""
        self.counts[table.column("rule_id")[0].as_py()] += table.num_rows
        self._waiting.append(table)
        if sum(each.num_rows for each in self._waiting) >= _FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting))
            self._waiting.clear()

    def __enter__(self) -> "FindingsFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()


def outcome_counts(outcome: npt.NDArray[np.str_]) -> dict[str, int]:
    """Outcome → records of the chunk."""
    return {
        str(name): int(count) for name, count in zip(*np.unique(outcome, return_counts=True), strict=True)
    }
