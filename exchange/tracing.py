"""What `wangting trace` shows: one case at every stop of its way, personal values masked.

Read from landed files, batches, verdicts, the ledger, the province and the current release; no file that a build may
be writing is opened.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from exchange import batches, history
from exchange.receivers import receiver_of
from exchange.records import RecordType, record_types
from expectations.masking import masked
from wangting import engine, landed, settings
from wangting.errors import WangtingError
from wangting.site import current_site
from wangting.source_spec import Source, Table


def trace(case_no: str) -> dict[str, Any]:
    """The case at every stop: landing, batches, verdicts, outbox, receipts, province, case.

    Raises:
        WangtingError: no stop knows the case.
    """
    kinds = record_types()
    work = engine.connect()
    try:
        outbox = history.of_case(work, case_no)
        found: dict[str, Any] = {
            "case_no": case_no,
            "landing": _landing(work, case_no),
            "batches": _batches(work, case_no, kinds),
            "verdicts": _verdicts(work, case_no, kinds),
            "outbox": outbox,
            "receipts": history.receipts_of_case(work, case_no),
        }
    finally:
        work.close()
    found["province"], note = _province(outbox, kinds)
    if note:
        found["province_note"] = note
    found["case"] = _case(case_no)
    if not any(found[stop] for stop in ("landing", "batches", "outbox", "case")):
        raise WangtingError(
            "任何一站都没有这个办件", place=case_no, mend="核对申办流水号，或先运行 wangting pull"
        )
    return found


def _dicts(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _landing(work: duckdb.DuckDBPyConnection, case_no: str) -> list[dict[str, Any]]:
    """The landed rows of the case, from every system and table."""
    found = []
    for source in current_site().sources:
        for name, table in source.tables.items():
            files = [file for file in landed.paths(source.name, name) if file.is_file()]
            if files:
                found += _landed_rows(work, source, name, table, files, case_no)
    return found


def _landed_rows(
    work: duckdb.DuckDBPyConnection, source: Source, name: str, table: Table, files: list[Path], case_no: str
) -> list[dict[str, Any]]:
    rows = f"read_parquet({engine.file_list(files)}, union_by_name = true, hive_partitioning = false)"
    there = {str(row[0]): str(row[1]) for row in work.execute(f"describe select * from {rows}").fetchall()}
    numbers = [column for column in there if table.case_no and column.lower() == table.case_no.lower()]
    searched = numbers or [
        column for column, kind in there.items() if kind == "VARCHAR" and not column.startswith("_")
    ]
    if not searched:
        return []
    # Keys, case numbers, whole numbers and times say which row it is; any other text may be personal.
    shown = [
        column
        for column, kind in there.items()
        if column in (*table.key, *numbers)
        or (not column.startswith("_") and kind.startswith(("TIMESTAMP", "INTEGER")))
    ]
    lineage = [column for column in ("_load_id", "_loaded_at", "_file") if column in there]
    picked = ", ".join(f'"{column}"' for column in dict.fromkeys([*shown, *lineage]))
    where = " or ".join(f'"{column}" = ?' for column in searched)
    cursor = work.execute(f"select {picked} from {rows} where {where}", [case_no] * len(searched))
    return [
        {
            "source": source.name,
            "source_title": source.title,
            "table": name,
            "table_title": table.title,
            "load_id": row.pop("_load_id", None),
            "loaded_at": row.pop("_loaded_at", None),
            "values": row,
        }
        for row in _dicts(cursor)
    ]


def _masked_fields(kind: RecordType, row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for field, name in zip(kind.fields, names, strict=True):
        value = row.get(name)
        if value not in (None, ""):
            shown[field.official] = masked(value, field.mask) if field.mask else value  # type: ignore[arg-type]
    return shown


def _batches(work: duckdb.DuckDBPyConnection, case_no: str, kinds: list[RecordType]) -> list[dict[str, Any]]:
    known = [batch["batch_id"] for batch in batches.committed()]
    found = []
    for kind in kinds:
        files = [file for batch_id in known if (file := batches.record_file(batch_id, kind.table)).is_file()]
        if not files:
            continue
        cursor = work.execute(
            f"select * from {batches.reading(files)} where case_no = ?"
            " order by record_key, version, batch_id",
            [case_no],
        )
        for row in _dicts(cursor):
            about = {
                name: row[name]
                for name in (
                    "batch_id", "record_key", "version", "is_represented", "is_backfill", "business_time",
                    "source", "source_written_at", "arrived_at", "cut_at",
                )
            }  # fmt: skip
            about["is_reduced"] = bool(row.get("is_reduced"))
            fields = _masked_fields(kind, row, [field.column for field in kind.fields])
            found.append({"record": kind.record, "title": kind.title, **about, "fields": fields})
    return found


def _verdicts(work: duckdb.DuckDBPyConnection, case_no: str, kinds: list[RecordType]) -> list[dict[str, Any]]:
    """Each judgement with what was found; values are masked in the evidence already."""
    judged = [batch["batch_id"] for batch in batches.committed() if batches.is_judged(batch)]
    findings = [file for batch_id in judged if (file := batches.findings_file(batch_id)).is_file()]
    said: dict[tuple[str, str, str, int], list[dict[str, Any]]] = {}
    if findings:
        cursor = work.execute(
            f"select * from {batches.reading(findings, filename=True)} where case_no = ?",
            [case_no],
        )
        for row in _dicts(cursor):
            batch_id = Path(row["filename"]).parent.name
            key = (batch_id, row["record"], row["record_key"], row["version"])
            said.setdefault(key, []).append(
                {name: row.get(name) for name in ("rule_id", "severity", "field", "masked_value")}
            )
    found = []
    for kind in kinds:
        files = [
            file for batch_id in judged if (file := batches.verdict_file(batch_id, kind.table)).is_file()
        ]
        if not files:
            continue
        cursor = work.execute(
            f"select record_key, version, outcome, filename from {batches.reading(files, filename=True)}"
            " where case_no = ? order by filename, record_key",
            [case_no],
        )
        for row in _dicts(cursor):
            batch_id = Path(row.pop("filename")).parent.name
            key = (batch_id, kind.record, row["record_key"], row["version"])
            found.append(
                {
                    "record": kind.record,
                    "title": kind.title,
                    "batch_id": batch_id,
                    **row,
                    "findings": said.get(key, []),
                }
            )
    return found


def _province(
    outbox: list[dict[str, Any]], kinds: list[RecordType]
) -> tuple[list[dict[str, Any]], str | None]:
    """What the province has stored of what was sent; a note where it does not answer."""
    sent = [row for row in outbox if row["attempts"]]
    if not sent:
        return [], None
    by_record = {kind.record: kind for kind in kinds}

    async def ask() -> list[dict[str, Any]]:
        found = []
        async with receiver_of(current_site()) as province:
            for row in sent:
                stored = await province.read(row["record"], row["record_key"], row["version"])
                if stored is not None:
                    kind = by_record[row["record"]]
                    names = [field.official for field in kind.fields]
                    fields = _masked_fields(kind, stored.get("fields") or {}, names)
                    found.append({**stored, "title": kind.title, "fields": fields})
        return found

    try:
        return asyncio.run(ask()), None
    except (WangtingError, ValueError) as error:
        return [], str(error)


def _case(case_no: str) -> list[dict[str, Any]]:
    """The case's row in the current release; marts hold no personal values."""
    file = settings.home() / "releases" / "current" / "marts.duckdb"
    if not file.is_file():
        return []
    release = engine.connect(file, read_only=True)
    try:
        return _dicts(release.execute("select * from fct_cases where case_no = ?", [case_no]))
    finally:
        release.close()
