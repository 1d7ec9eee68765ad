"""The final files: Parquet under `finals/`, sorted by case number, a folder a month of the case's application.

Which of them exist is what the ledger's `final_files` says, and nothing else: a file that it does not name was left by
a crash and does not count. Final rows that came back to the outbox are named in `final_recalls` and skipped.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from sqlalchemy import Boolean, Connection, DateTime, Integer, select

from wangting import engine, ledger, settings

if TYPE_CHECKING:
    import pyarrow as pa

_MONTH = re.compile(r"^.{19}(\d\d(?:0[1-9]|1[0-2]))\d\d\d{4}$")
UNKNOWN_MONTH = "0000"
NAMES = [column.name for column in ledger.outbox.columns]
RECEIPT_NAMES = [column.name for column in ledger.receipts.columns]
_FEW = 2_000  # cases: up to here they are named in the query, so that the files' own statistics leave most of it unread
_WORTH_ARROW = 5_000  # rows: from here on Arrow is faster, its first import included


def folder() -> Path:
    """Where they are."""
    return settings.home() / "finals"


def month(case_no: str) -> str:
    """The month of a case, yyMM, from characters 20 to 23 of a 29-character number; 0000 where it is none."""
    found = _MONTH.match(case_no)
    return found[1] if found else UNKNOWN_MONTH


MONTH_SQL = (
    "case when length(case_no) = 29 and regexp_full_match(substr(case_no, 20), '[0-9]{2}(0[1-9]|1[0-2])[0-9]{6}')"
    f" then substr(case_no, 20, 4) else '{UNKNOWN_MONTH}' end"
)
"""The same in DuckDB's words."""


def kinds_of(table: Any, names: Sequence[str]) -> dict[str, str]:
    """Columns of a table of the ledger → their types in DuckDB."""
    kinds = ((Boolean, "boolean"), (DateTime, "timestamp"), (Integer, "bigint"))
    return {
        name: next((found for kind, found in kinds if isinstance(table.c[name].type, kind)), "varchar")
        for name in names
    }


def load(
    work: duckdb.DuckDBPyConnection, target: str, kinds: dict[str, str], pages: Iterable[Sequence[Any]]
) -> None:
    """Make the temporary table `target` and fill it with rows of the ledger, page by page."""
    columns = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    work.execute(f"create or replace temp table {target} ({columns})")
    for rows in pages:
        if len(rows) < _WORTH_ARROW:
            work.execute(f"insert into {target} select * from {engine.given(kinds, rows)}")
            continue
        work.register("ledger_page", _arrow(kinds, rows))
        work.execute(f"insert into {target} select * from ledger_page")
        work.unregister("ledger_page")


def _arrow(kinds: dict[str, str], rows: Sequence[Any]) -> "pa.Table":
    import pyarrow as pa

    theirs = {
        "varchar": pa.string(),
        "bigint": pa.int64(),
        "timestamp": pa.timestamp("us"),
        "boolean": pa.bool_(),
    }
    values = zip(*rows, strict=True)
    arrays = [pa.array(list(each), theirs[kind]) for each, kind in zip(values, kinds.values(), strict=True)]
    return pa.table(arrays, names=list(kinds))


@dataclass(frozen=True)
class Files:
    """The final files at one moment.

    Attributes:
        known: rows of the ledger's `final_files`. recalls: of `final_recalls`.
    """

    known: list[dict[str, Any]]
    recalls: list[tuple[str, str, int, str]]

    @property
    def paths(self) -> list[Path]:
        """The files of record versions."""
        return [settings.home() / file["path"] for file in self.known]

    @property
    def receipt_paths(self) -> list[Path]:
        """The files of their receipts, where there are any."""
        return [receipts_beside(settings.home() / file["path"]) for file in self.known if file["receipts"]]

    def of(self, cases: list[str]) -> "Files":
        """Those that may know some of these cases."""
        if not self.known:
            return self
        spans: dict[str, tuple[str, str]] = {}
        for case_no in cases:
            low, high = spans.get(month(case_no), (case_no, case_no))
            spans[month(case_no)] = (min(low, case_no), max(high, case_no))
        kept = [
            file
            for file in self.known
            if (span := spans.get(file["case_month"]))
            and file["from_case"] <= span[1]
            and file["to_case"] >= span[0]
        ]
        return Files(kept, self.recalls)


def receipts_beside(path: Path) -> Path:
    """The receipts of a file of record versions."""
    return path.with_suffix(".receipts.parquet")


def source_of(paths: list[Path]) -> str:
    """Some of the files as an SQL relation."""
    # The folder's name must not become a column: 0901 would be the number 901.
    return f"read_parquet({engine.file_list(paths)}, union_by_name = true, hive_partitioning = false)"


def now_there(connection: Connection | None = None) -> Files:
    """The final files that exist, as of this moment or as a connection's transaction sees them."""
    f, r = ledger.final_files, ledger.final_recalls
    recalls = select(r.c.record, r.c.record_key, r.c.version, r.c.move_id)
    if connection is None:
        with ledger.snapshot() as reading:
            return now_there(reading)
    known = [dict(row) for row in connection.execute(select(f).order_by(f.c.path)).mappings()]
    return Files(known, [tuple(row) for row in connection.execute(recalls)])


def rows(
    work: duckdb.DuckDBPyConnection,
    files: Files,
    columns: Sequence[str],
    *,
    cases: list[str] | None = None,
    where: str = "true",
) -> str:
    """A query for the final rows.

    Args:
        columns: of the outbox, or move_id. A column that came later than a file is null there.
        cases: only of these.
        where: a further condition, in DuckDB's words.
    """
    if cases is not None:
        files = files.of(cases)
    if not files.known:
        kinds = {**dict.fromkeys(("move_id",), "varchar"), **kinds_of(ledger.outbox, NAMES)}
        empty = ", ".join(f"cast(null as {kinds[name]}) as {name}" for name in columns)
        return f"select {empty} where false"
    source = source_of(files.paths)
    there = {row[0] for row in work.execute(f"describe select * from {source}").fetchall()}
    kinds = kinds_of(ledger.outbox, NAMES)
    picked = ", ".join(
        name if name in there else f"cast(null as {kinds[name]}) as {name}" for name in columns
    )
    conditions = [where]
    if cases is not None:
        conditions.append(_among(work, cases))
    if files.recalls:
        _load_recalls(work, files)
        conditions.append(
            "(record, record_key, version, move_id) not in"
            " (select (record, record_key, version, move_id) from final_recalled)"
        )
    return f"select {picked} from {source} where {' and '.join(f'({each})' for each in conditions)}"


def _load_recalls(work: duckdb.DuckDBPyConnection, files: Files) -> None:
    columns = {"record": "varchar", "record_key": "varchar", "version": "bigint", "move_id": "varchar"}
    named = engine.given(columns, files.recalls)
    work.execute(f"create or replace temp table final_recalled as select * from {named}")


def _among(work: duckdb.DuckDBPyConnection, cases: list[str]) -> str:
    if len(cases) <= _FEW:
        return f"case_no in ({', '.join(map(engine.literal, cases))})" if cases else "false"
    named = engine.given({"case_no": "varchar"}, ([case_no] for case_no in cases))
    work.execute(f"create or replace temp table final_cases as select * from {named}")
    return "case_no in (select case_no from final_cases)"


def receipts(work: duckdb.DuckDBPyConnection, case_no: str) -> list[dict[str, Any]]:
    """Every receipt of a case's final rows, also of those that were recalled."""
    paths = now_there().of([case_no]).receipt_paths
    if not paths:
        return []
    cursor = work.execute(
        f"select {', '.join(RECEIPT_NAMES)} from {source_of(paths)}"
        f" where case_no = {engine.literal(case_no)} order by receipt_id"
    )
    return [dict(zip(RECEIPT_NAMES, row, strict=True)) for row in cursor.fetchall()]
