"""Reduction: a batch's records lose everything but what makes it the register of keys, versions and hashes.

A batch can be killed in at any moment. The smaller files are made durable beside it; one transaction of the ledger says
that the batch is reduced, after asking once more that nothing but the records kept whole is open; then file after file
takes the place of the larger one. From that transaction on the batch counts as reduced, and what a crash left of the
rest is done by the next cut or the next retention, from the files beside.
"""

import shutil
from pathlib import Path

import duckdb
from sqlalchemy import func, select, update

from exchange import batches, history, states
from exchange.records import RecordType, record_types
from wangting import at_rest, clock, data_keys, disk, engine, ledger

OPEN = ("HELD", "BLOCKED", "NEW", "RETRY", "SENT")  # what may still be sent, or is owed a mend
_DRAFT = ".reducing-"
# No personal field: which record, whose, when, which version of which content.
REGISTER = (
    "record_key", "case_no", "unit_code", "source", "business_time", "source_written_at", "arrived_at", "cut_at",
    "payload_hash", "context_hash", "version", "is_represented", "is_backfill", "batch_id",
)  # fmt: skip


def open_rows() -> dict[str, int]:
    """Batch → how many of its records are open in the outbox; batches without one are not in it."""
    o = ledger.outbox
    query = select(o.c.batch_id, func.count().label("rows")).where(states.is_in(*OPEN)).group_by(o.c.batch_id)
    return {row["batch_id"]: row["rows"] for row in ledger.rows(query)}


def reduce(due: list[str]) -> int:
    """Reduce batches that are all in the outbox already; what is open keeps its content.

    The caller holds the locks of cut, gate and push. Returns the rows that have lost their content.
    """
    if not due:
        return 0
    work = engine.connect()
    try:
        present = [
            kind
            for kind in record_types()
            if any(batches.record_file(batch_id, kind.table).is_file() for batch_id in due)
        ]
        _know(work, due, present)
        return sum(_reduce(work, batch_id, present) for batch_id in due)
    finally:
        work.close()


def _know(work: duckdb.DuckDBPyConnection, due: list[str], kinds: list[RecordType]) -> None:
    """Make `still_open` (record, record_key, version, batch_id) and `entered` (record, record_key, version)."""
    o = ledger.outbox
    columns = {"record": "varchar", "record_key": "varchar", "version": "integer", "batch_id": "varchar"}
    found = ledger.rows(
        select(o.c.record, o.c.record_key, o.c.version, o.c.batch_id).where(
            states.is_in(*OPEN), o.c.batch_id.in_(due)
        )
    )
    named = engine.given(columns, ([row[name] for name in columns] for row in found))
    work.execute(f"create table still_open as select * from {named}")
    work.execute("create table entered (record varchar, record_key varchar, version integer)")
    ever = history.relation(work, columns=["record", "record_key", "version"])
    for kind in kinds:
        files = [file for batch_id in due if (file := batches.record_file(batch_id, kind.table)).is_file()]
        work.execute(
            f"insert into entered select record, record_key, version from {ever}"
            f" where record = {engine.literal(kind.record)}"
            f" and record_key in (select record_key from {batches.reading(files)})"
        )


def _reduce(work: duckdb.DuckDBPyConnection, batch_id: str, kinds: list[RecordType]) -> int:
    draft = batches.folder(batch_id).parent / f"{_DRAFT}{batch_id}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    cleared = 0
    for kind in kinds:
        file = batches.record_file(batch_id, kind.table)
        if file.is_file():
            cleared += _write(work, kind, file, draft / file.name)
    disk.sync(*draft.iterdir(), draft, draft.parent)
    kept = work.execute("select count(*) from still_open where batch_id = ?", [batch_id]).fetchall()[0][0]
    if _decide(batch_id, kept):
        _put_in_place(batch_id, draft)
        return cleared
    shutil.rmtree(draft)
    return 0


def _write(work: duckdb.DuckDBPyConnection, kind: RecordType, file: Path, target: Path) -> int:
    """One record type's rows, with content only where they are open; returns how many lose theirs now."""
    there, _ = at_rest.shape(file)
    gone = "is_reduced" if "is_reduced" in there else "false"
    columns = ", ".join(
        f'rows."{name}"'
        if name in REGISTER
        else f'case when open.record_key is not null then rows."{name}" end as "{name}"'
        for name in there
        if name not in ("is_reduced", "is_waiting")
    )
    work.execute(f"""
        copy (
            select
                {columns},
                open.record_key is null as is_reduced,
                entered.record_key is null as is_waiting
            from {at_rest.reading([file])} as rows
            left join (select * from still_open where record = {engine.literal(kind.record)}) as open
                on rows.record_key = open.record_key and rows.version = open.version and rows.batch_id = open.batch_id
            left join (select * from entered where record = {engine.literal(kind.record)}) as entered
                on rows.record_key = entered.record_key and rows.version = entered.version
            order by rows.case_no, rows.record_key
        ) to {engine.literal(target)}
        (format parquet, compression zstd, row_group_size {batches.ROW_GROUP}{at_rest.writing()})
    """)
    return _count(work, [target], "is_reduced") - _count(work, [file], gone)


def _count(work: duckdb.DuckDBPyConnection, files: list[Path], condition: str) -> int:
    found = work.execute(f"select count(*) from {at_rest.reading(files)} where {condition}").fetchall()
    return int(found[0][0])


def _decide(batch_id: str, kept: int) -> bool:
    """Say in the ledger that the batch is reduced, if nothing else of it has become open meanwhile."""
    b, o = ledger.batches, ledger.outbox
    with ledger.transaction() as connection:
        query = select(func.count()).where(o.c.batch_id == batch_id, states.is_in(*OPEN))
        if connection.execute(query).scalar() != kept:
            return False
        connection.execute(
            update(b).where(b.c.batch_id == batch_id).values(reduced_at=clock.now(), payload_rows=None)
        )
    return True


def finish() -> list[str]:
    """Do the rest of the reductions that a crash cut short; the caller holds the cut's lock. Returns the batches."""
    b = ledger.batches
    query = select(b.c.batch_id).where(b.c.reduced_at.is_not(None), b.c.payload_rows.is_(None))
    finished = []
    for row in ledger.rows(query):
        draft = batches.folder(row["batch_id"]).parent / f"{_DRAFT}{row['batch_id']}"
        if draft.is_dir():
            _put_in_place(row["batch_id"], draft)
            finished.append(row["batch_id"])
    return finished


def _put_in_place(batch_id: str, draft: Path) -> None:
    folder = batches.folder(batch_id)
    for file in sorted(draft.glob("*.parquet")):
        file.replace(folder / file.name)
    disk.sync(folder)
    with engine.connect() as work:
        kept = sum(_count(work, [file], "not is_reduced") for file in sorted(folder.glob("*.parquet")))
    with ledger.transaction() as connection:
        b = ledger.batches
        connection.execute(update(b).where(b.c.batch_id == batch_id).values(payload_rows=kept))
    shutil.rmtree(draft, ignore_errors=True)


def not_under_present_key(batch_id: str) -> list[Path]:
    """The files of a batch that are plain, or under a former key.

    Raises:
        WangtingError: one is encrypted and no key opens it.
    """
    return [
        file
        for file in sorted(batches.folder(batch_id).glob("*.parquet"))
        if not at_rest.is_sealed(file) or at_rest.key_of(file) != data_keys.CURRENT
    ]


def encrypt(batch_id: str) -> int:
    """Write those files of a batch anew under the present key that are not; returns how many.

    Each takes the place of the old one in one step; the caller holds the locks of cut, gate and push.
    """
    suffix = at_rest.writing()
    folder = batches.folder(batch_id)
    for left in folder.glob(".*.new"):  # by a run that was killed
        left.unlink()
    files = not_under_present_key(batch_id)
    for file in files:
        fresh = folder / f".{file.name}.new"
        with engine.connect() as work:
            work.execute(
                f"copy (select * from {at_rest.reading([file])} order by case_no, record_key)"
                f" to {engine.literal(fresh)}"
                f" (format parquet, compression zstd, row_group_size {batches.ROW_GROUP}{suffix})"
            )
        disk.sync(fresh)
        fresh.replace(file)
    if files:
        disk.sync(folder)
    return len(files)
