"""The batches as one history: which files there are, and the latest version of every record that they know.

A batch is immutable Parquet, so the history is too; where it has grown to many files, a snapshot of the latest
versions is kept beside the exchange lane. It is derived, may be deleted at any time, and comes back by itself.
"""

import shutil
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import select

from wangting import at_rest, engine, ledger, settings

_SNAPSHOT_AFTER = 64  # batches: beyond, opening files costs more than reading them
ROW_GROUP = 30_720  # rows: the push reads batches in small ranges of case numbers
_COLUMNS = {
    "record_key": "varchar",
    "case_no": "varchar",
    "unit_code": "varchar",
    "source": "varchar",
    "business_time": "timestamp",
    "source_written_at": "timestamp",
    "arrived_at": "timestamp",
    "cut_at": "timestamp",
    "payload_hash": "varchar",
    "context_hash": "varchar",
    "version": "integer",
    "is_backfill": "boolean",
    "batch_id": "varchar",
}


REDUCED = select(ledger.batches.c.batch_id).where(ledger.batches.c.reduced_at.is_not(None))


def folder(batch_id: str) -> Path:
    """The batch's own folder."""
    return settings.home() / "batches" / batch_id


def record_file(batch_id: str, table: str) -> Path:
    """The batch's rows of one record type; there is no file where there are no rows."""
    return folder(batch_id) / f"{table}.parquet"


def verdict_file(batch_id: str, table: str) -> Path:
    """The gate's verdicts on the rows of `record_file`."""
    return settings.home() / "verdicts" / batch_id / f"{table}.parquet"


def findings_file(batch_id: str) -> Path:
    """What the gate found in the batch, one row a record and rule."""
    return settings.home() / "verdicts" / batch_id / "findings.parquet"


def reading(files: list[Path], **options: str | bool) -> str:
    """The rows of some batch files as an SQL relation; the only way in which a batch's Parquet is read.

    Args:
        files: at least one; columns that a file lacks are null.
        options: further ones of `read_parquet`, such as `filename=True`.
    """
    return at_rest.reading(files, **options)


def reduced() -> set[str]:
    """The batches whose records, but for the open ones, have no more than the register's columns."""
    return {row["batch_id"] for row in ledger.rows(REDUCED)}


def without(batch_ids: set[str]) -> str:
    """An SQL condition on batch_id that leaves these out, to be put after another condition."""
    return f" and batch_id not in ({', '.join(map(engine.literal, sorted(batch_ids)))})" if batch_ids else ""


def reading_content(files: list[Path]) -> str:
    """As `reading`, without the rows whose content is gone."""
    rows = reading(files)
    if reduced().isdisjoint(file.parent.name for file in files):
        return rows
    # A reduction that was cut short has not come to the file yet, and then there is no such column.
    named = "select null::boolean as is_reduced where false"
    return f"(select * from (select * from {rows} union all by name {named}) where is_reduced is not true)"


def committed(*, before: str | None = None) -> list[dict[str, Any]]:
    """The batches in the order they were cut, all or those before one of them."""
    query = select(ledger.batches).order_by(ledger.batches.c.batch_id)
    if before is not None:
        query = query.where(ledger.batches.c.batch_id < before)
    return ledger.rows(query)


def is_judged(batch: dict[str, Any]) -> bool:
    """Whether the gate has judged the batch."""
    return batch["state"] in ("gated", "enqueued")


def _snapshots() -> Path:
    return settings.home() / "lanes" / "exchange" / "known"


def _newest_snapshot(batches: list[dict[str, Any]]) -> str | None:
    """The newest snapshot that holds nothing but these batches."""
    known = {batch["batch_id"] for batch in batches}
    found = [place.name for place in _snapshots().glob("b*") if place.name in known]
    return max(found, default=None)


def _part(batches: list[dict[str, Any]], table: str) -> str | None:
    """The rows of some batches with the gate's outcome; null where it has not judged yet."""
    files = [file for batch in batches if (file := record_file(batch["batch_id"], table)).is_file()]
    if not files:
        return None
    columns = ", ".join(f"rows.{name}" for name in _COLUMNS)
    judged = [batch["batch_id"] for batch in batches if is_judged(batch)]
    verdicts = [
        f"select {engine.literal(batch_id)} as batch_id, record_key, version, outcome"
        f" from {reading([file])} where outcome <> 'passed'"
        for batch_id in judged
        if (file := verdict_file(batch_id, table)).is_file()
    ]
    is_known = "false" if not judged else f"rows.batch_id in ({', '.join(map(engine.literal, judged))})"
    if not verdicts:
        outcome, join = f"case when {is_known} then 'passed' end", ""
    else:
        outcome = f"case when {is_known} then coalesce(verdicts.outcome, 'passed') end"
        join = (
            f" left join ({' union all '.join(verdicts)}) as verdicts on rows.record_key = verdicts.record_key"
            " and rows.version = verdicts.version and rows.batch_id = verdicts.batch_id"
        )
    return f"select {columns}, {outcome} as outcome from {reading(files)} as rows{join}"


def waiting_without_content(batch_ids: set[str], table: str) -> str | None:
    """A query for the records of reduced batches that were never in the outbox: record_key, version, batch_id."""
    files = [file for batch_id in sorted(batch_ids) if (file := record_file(batch_id, table)).is_file()]
    if not files:
        return None
    named = "select null::boolean as is_waiting where false"
    return (
        f"select record_key, version, batch_id from (select * from {reading(files)} union all by name {named})"
        " where is_waiting"
    )


def count_without_content(
    work: duckdb.DuckDBPyConnection, known: list[dict[str, Any]], batch_ids: set[str], table: str
) -> int:
    """How many passed records of one type wait and cannot enter the outbox because their content is gone."""
    waiting = waiting_without_content(batch_ids, table)
    if waiting is None:
        return 0
    work.execute(f"create or replace temp table without_content as {waiting}")
    found = work.execute(
        f"select count(*) from ({latest(known, table, among='without_content')}) as rows"
        " semi join without_content using (record_key, version, batch_id) where outcome in ('passed', 'warned')"
    ).fetchall()
    return int(found[0][0])


def _nothing() -> str:
    columns = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in _COLUMNS.items())
    return f"select {columns}, cast(null as varchar) as outcome where false"


def latest(batches: list[dict[str, Any]], table: str, *, among: str | None = None) -> str:
    """A query for the latest version of every record of one type that `batches` know.

    One row per record key: record_key, case_no, unit_code, source, business_time, source_written_at, arrived_at,
    cut_at, payload_hash, context_hash, version, is_backfill, batch_id, outcome (null: not judged yet).

    Args:
        batches: the first so many batches, as `committed` gives them.
        among: restricts to the keys in this relation's column record_key.
    """
    snapshot = _newest_snapshot(batches)
    # A batch holds a key once, so the oldest part needs no search for the latest; only the newer ones do.
    base: str | None
    if snapshot is not None:
        file = _snapshots() / snapshot / f"{table}.parquet"
        base = f"select * from {reading([file])}" if file.is_file() else None
        newer = [batch for batch in batches if batch["batch_id"] > snapshot]
    else:
        base, newer = _part(batches[:1], table), batches[1:]
    only = f" where record_key in (select record_key from {among})" if among else ""
    recent = _part(newer, table)
    if recent is None:
        return f"select * from ({base or _nothing()}){only}"
    recent = (
        f"select * from ({recent}){only}"
        " qualify row_number() over (partition by record_key order by version desc, batch_id desc) = 1"
    )
    if base is None:
        return recent
    return (
        f"with recent as materialized ({recent}), base as (select * from ({base}){only})"
        " select * from recent union all by name"
        " select * from base anti join recent using (record_key)"
    )


def keep_snapshot(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> bool:
    """Write a snapshot when enough batches have come since the last; only judged batches go into it."""
    batches = committed()
    snapshot = _newest_snapshot(batches)
    if any(batch["state"] != "enqueued" for batch in batches):
        return False
    if sum(batch["batch_id"] > (snapshot or "") for batch in batches) < _SNAPSHOT_AFTER:
        return False
    newest = batches[-1]["batch_id"]
    draft = _snapshots() / f".draft-{newest}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for table in tables:
        target = engine.literal(draft / f"{table}.parquet")
        connection.execute(
            f"copy ({latest(batches, table)}) to {target} (format parquet, compression zstd{at_rest.writing()})"
        )
    draft.replace(_snapshots() / newest)
    if snapshot is not None:
        shutil.rmtree(_snapshots() / snapshot)
    return True
