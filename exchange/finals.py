"""Final rows leave the ledger for Parquet, so that it stays small; nothing is ever in neither, or counted twice.

A case is final, and moves whole, when every row of it in the outbox is: acknowledged for longer than a setting
(`WANGTING_FINAL_DAYS`, two days) with its 12 hours over; or refused or superseded, with a newer version of the same
record acknowledged. A case with any open row stays whole, so that what is asked of its other records needs no file.
What is refused for good stays too: somebody owes the mend.

The files are written, made durable and put in place first; then one transaction of the ledger names them and deletes
exactly the rows and receipts that they hold. Killed before it: the files do not count and are removed by the next run.
"""

import shutil
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, DateTime, String, bindparam, delete, func, insert, literal, select, tuple_

from exchange import batches, final_files, states
from exchange.final_files import MONTH_SQL, NAMES, RECEIPT_NAMES
from wangting import clock, disk, engine, ledger, locks, settings
from wangting.errors import WangtingError

_STEP = 50_000  # acknowledged rows looked at in one step, each with the rest of its case
_WORTH = 5_000  # fewer wait for the next run, unless a day has passed
_ROUND = timedelta(days=1)  # how often what could not move is looked at again
_ROW_GROUP = 20_480
_MANY = 8  # files of a month: beyond, the smaller ones become one
_LARGE = 1_000_000  # rows: such a file is left as it is
_CASES = 5_000  # named in one query of the ledger
_KEYS = ("record", "record_key", "version")


@dataclass
class MoveSummary:
    """What a run moved; `rows` counts record versions, `is_busy` says that another process judged meanwhile."""

    rows: int = 0
    receipts: int = 0
    cases: int = 0
    merged_files: int = 0
    is_busy: bool = False

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


def archive() -> MoveSummary:
    """Move everything that is final, whatever it is worth.

    Raises:
        WangtingError: a push or a judgement is under way.
    """
    with locks.writer("push"):
        return move(steps=None, is_worth=0)


def move(*, steps: int | None = 10, is_worth: int = _WORTH) -> MoveSummary:
    """Move final rows; the caller holds the lock of the push. A check that finds nothing costs one look at an index.

    Args:
        steps: at most so many times 50,000 acknowledged rows are looked at, from where the last run ended, and once a
            day from the beginning; None: all of them.
        is_worth: fewer candidates than this are left for another run.
    """
    summary = MoveSummary()
    now = clock.now()
    if not _is_worth_it(now, is_worth):
        return summary
    try:
        with locks.writer("gate"):
            _remove_uncounted()
            with engine.connect() as work:
                _move(work, now, steps, summary)
                _merge(work, now, summary)
    except WangtingError as error:
        if error.place != "写锁 gate":
            raise
        summary.is_busy = True
    return summary


def _is_worth_it(now: datetime, is_worth: int) -> bool:
    mark = _mark()
    if is_worth == 0 or (mark is not None and now - mark["searched_at"] >= _ROUND):
        return True
    with ledger.snapshot() as connection:
        few = _candidates(now, mark).limit(is_worth).subquery()
        found = connection.execute(select(func.count()).select_from(few)).scalar() or 0
    return int(found) >= is_worth


def _mark() -> dict[str, Any] | None:
    found = ledger.rows(select(ledger.final_mark))
    return found[0] if found else None


def _candidates(now: datetime, mark: dict[str, Any] | None) -> Any:
    o = ledger.outbox
    query = (
        select(o.c.acked_at, o.c.case_no)
        .where(states.is_in("ACK"), o.c.acked_at <= now - settings.final_after())
        .order_by(o.c.acked_at, o.c.case_no)
    )
    if mark is None or mark["acked_up_to"] is None:
        return query
    return query.where(
        tuple_(o.c.acked_at, o.c.case_no)
        > tuple_(literal(mark["acked_up_to"], DateTime), literal(mark["case_up_to"], String))
    )


def _move(work: duckdb.DuckDBPyConnection, now: datetime, steps: int | None, summary: MoveSummary) -> None:
    mark = _mark() or {"acked_up_to": None, "case_up_to": "", "began_at": now}
    if steps is None or (mark["acked_up_to"] is not None and now - mark["began_at"] >= _ROUND):
        mark = {"acked_up_to": None, "case_up_to": "", "began_at": now}
    done = 0
    while steps is None or done < steps:
        done += 1
        with ledger.snapshot() as connection:
            found = list(connection.execute(_candidates(now, mark).limit(_STEP)))
            cases = sorted({row.case_no for row in found})
            _read_cases(work, connection, cases)
        if found:
            mark = {**mark, "acked_up_to": found[-1].acked_at, "case_up_to": found[-1].case_no}
        _settle(work, now, mark, summary)
        if len(found) < _STEP:
            return


def _read_cases(work: duckdb.DuckDBPyConnection, connection: Connection, cases: list[str]) -> None:
    """Make `moving`: every row of those cases that are final."""
    o = ledger.outbox

    def pages() -> Any:
        for start in range(0, len(cases), _CASES):
            query = select(o).where(o.c.case_no.in_(bindparam("cases", expanding=True)))
            yield connection.execute(query, {"cases": cases[start : start + _CASES]}).all()

    final_files.load(work, "looked_at", final_files.kinds_of(ledger.outbox, NAMES), pages())


def _settle(
    work: duckdb.DuckDBPyConnection, now: datetime, mark: dict[str, Any], summary: MoveSummary
) -> None:
    """Write what is final of `looked_at`, then let the ledger go of it."""
    move_id = uuid.uuid4().hex
    before = engine.literal(now - settings.final_after())
    work.execute(f"""
        create or replace temp table moving as
        with judged as (
            select *, max(case when state = 'ACK' then version end) over (partition by record, record_key)
                as acked_version
            from looked_at
        )
        select * exclude (acked_version), '{move_id}' as move_id, {MONTH_SQL} as case_month
        from judged
        qualify bool_and(
            case
                when state = 'ACK'
                    then acked_at <= timestamp {before} and coalesce(due_at <= timestamp {engine.literal(now)}, true)
                when state in ('SUPERSEDED', 'REJECTED') then coalesce(acked_version > version, false)
                else false
            end
        ) over (partition by case_no)
    """)
    keys = work.execute("select record, record_key, version, state from moving").fetchall()
    if not keys:
        _commit(work, [], [], [], now, mark)
        return
    _read_receipts(work, keys)
    files = _write(work, move_id, now, "moving", "moving_receipts")
    receipt_ids = work.execute("select receipt_id from moving_receipts").fetchall()
    _commit(work, files, keys, receipt_ids, now, mark)
    summary.rows += len(keys)
    summary.receipts += len(receipt_ids)
    row = work.execute("select count(distinct case_no) from moving").fetchone()
    assert row is not None  # an aggregate always has a row
    summary.cases += int(row[0])


def _read_receipts(work: duckdb.DuckDBPyConnection, keys: list[tuple[Any, ...]]) -> None:
    r = ledger.receipts
    with ledger.snapshot() as connection:
        named = ledger.staged(
            connection, "final_keys", [r.c[name] for name in _KEYS], [key[:3] for key in keys]
        )
        query = select(r).join(named, _same_record(r, named))
        found = connection.execute(query).all()
    final_files.load(work, "receipts_read", final_files.kinds_of(r, RECEIPT_NAMES), [found])
    work.execute("""
        create or replace temp table moving_receipts as
        select receipts_read.*, moving.case_no, moving.case_month
        from receipts_read inner join moving using (record, record_key, version)
    """)


def _same_record(one: Any, other: Any) -> Any:
    return (
        (one.c.record == other.c.record)
        & (one.c.record_key == other.c.record_key)
        & (one.c.version == other.c.version)
    )


def _write(
    work: duckdb.DuckDBPyConnection, name: str, now: datetime, rows: str, receipts: str
) -> list[dict[str, Any]]:
    """Write two relations as files a month, durable and in place; returns rows for `final_files`."""
    home = final_files.folder()
    draft = home / f".draft-{name}"
    draft.mkdir(parents=True)
    # A receipt is found by its case too, also where the record itself was recalled.
    listed = work.execute(f"""
        with spans as (
            select case_month, min(case_no) as low, max(case_no) as high from {receipts} group by 1
        )
        select case_month, count(*), least(min(case_no), any_value(low)), greatest(max(case_no), any_value(high)),
            max(due_at)
        from {rows} left join spans using (case_month)
        group by 1 order by 1
    """).fetchall()
    found = work.execute(
        f"select case_month, count(*), max(receipt_id) from {receipts} group by 1"
    ).fetchall()
    counts = {month: (count, last) for month, count, last in found}
    files, placed = [], [home]
    for month, count, low, high, latest_due in listed:
        target = home / f"case_month={month}" / f"{name}.parquet"
        is_new = not target.parent.is_dir()
        target.parent.mkdir(exist_ok=True)
        parts = [(rows, [*NAMES, "move_id"], target, "case_no, record, record_key, version")]
        if month in counts:
            beside = final_files.receipts_beside(target)
            parts.append((receipts, [*RECEIPT_NAMES, "case_no"], beside, "case_no, receipt_id"))
        for relation, columns, place, order in parts:
            drafted = draft / f"{month}-{place.name}"
            work.execute(
                f"copy (select {', '.join(columns)} from {relation} where case_month = {engine.literal(month)}"
                f" order by {order}) to {engine.literal(drafted)}"
                f" (format parquet, compression zstd, row_group_size {_ROW_GROUP})"
            )
            drafted.chmod(0o600)
            disk.sync(drafted)
            drafted.replace(place)
        placed += [target.parent] if not is_new else [target.parent, home]
        files.append(
            {
                "path": str(target.relative_to(settings.home())),
                "case_month": month,
                "rows": count,
                "receipts": counts.get(month, (0, 0))[0],
                "last_receipt_id": counts.get(month, (0, 0))[1],
                "from_case": low,
                "to_case": high,
                "latest_due_at": latest_due,
                "made_at": now,
            }
        )
    disk.sync(*dict.fromkeys(placed))
    draft.rmdir()
    return files


def _commit(
    work: duckdb.DuckDBPyConnection,
    files: list[dict[str, Any]],
    keys: list[tuple[Any, ...]],
    receipt_ids: list[tuple[Any, ...]],
    now: datetime,
    mark: dict[str, Any],
) -> None:
    o, r = ledger.outbox, ledger.receipts
    with ledger.transaction() as connection:
        if keys:
            connection.execute(insert(ledger.final_files), files)
            columns = [o.c[name] for name in (*_KEYS, "state")]
            named = ledger.staged(connection, "final_keys", columns, keys)
            gone = states.leave(
                "finish",
                tuple_(o.c.record, o.c.record_key, o.c.version, o.c.state).in_(
                    select(named.c.record, named.c.record_key, named.c.version, named.c.state)
                ),
            )
            _exactly(connection.execute(gone).rowcount, len(keys))
            if receipt_ids:
                ids = ledger.staged(connection, "final_receipts", [r.c.receipt_id], receipt_ids)
                gone = delete(r).where(r.c.receipt_id.in_(select(ids.c.receipt_id)))
                _exactly(connection.execute(gone).rowcount, len(receipt_ids))
            _count(work, connection, "moving", 1)
        told = {"mark": 1, "searched_at": now, **{name: mark[name] for name in _MARKED}}
        ledger.upsert(connection, ledger.final_mark, [told])


_MARKED = ("acked_up_to", "case_up_to", "began_at")


def _exactly(found: int, wanted: int) -> None:
    if found != wanted:  # the transaction ends without effect, and the files with it
        raise WangtingError(
            f"转存期间发件箱有变动（应转出 {wanted:,} 条，实为 {found:,} 条），本次没有转存",
            place="outbox",
            mend="没有其他推送时再运行",
        )


def _count(work: duckdb.DuckDBPyConnection, connection: Connection, relation: str, sign: int) -> None:
    """Add the rows of a relation to the counters of the final rows, or take them away."""
    for table, keys, where in (
        (ledger.final_counts, "record, state, is_backfill", "true"),
        (
            ledger.final_days,
            "source, coalesce(unit_code, '') as unit_code, record,"
            " coalesce(strftime(clock_at, '%Y-%m-%d'), '') as clock_on, is_backfill",
            "state = 'ACK'",
        ),
    ):
        cursor = work.execute(f"""
            select
                {keys},
                {sign} * count(*) as n,
                {sign} * count(*) filter (state = 'ACK' and acked_at <= due_at) as on_time,
                {sign} * count(*) filter (state = 'ACK' and acked_at > due_at) as late,
                {sign} * count(*) filter (state = 'ACK' and due_at is null) as without_clock
            from {relation} where {where} group by all
        """)
        names = [column[0] for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        ledger.add(connection, table, [{name: row[name] for name in table.c.keys()} for row in found])  # noqa: SIM118


def send_again(work: duckdb.DuckDBPyConnection, lost: list[tuple[str, str, int, str]]) -> int:
    """What the province has lost is to be sent again, final or not; when it was first acknowledged stays known.

    Args:
        lost: record type, key, version and case number. The caller holds the lock of the push.

    Returns:
        How many of them go again: those that are acknowledged here and have kept their content.
    """
    o, now = ledger.outbox, clock.now()
    sent = 0
    for start in range(0, len(lost), _CASES):
        part = lost[start : start + _CASES]
        kinds = final_files.kinds_of(o, _KEYS)
        lost_keys = engine.given(kinds, (each[:3] for each in part))
        work.execute(f"create or replace temp table lost_keys as select * from {lost_keys}")
        found = final_files.rows(
            work, final_files.now_there(), [*NAMES, "move_id"], cases=sorted({each[3] for each in part})
        )
        work.execute(
            f"create or replace temp table recalled as select *, {MONTH_SQL} as case_month from ({found})"
            " semi join lost_keys using (record, record_key, version) where state = 'ACK'"
            + batches.without(batches.reduced())
        )
        with ledger.transaction() as connection:
            named = [o.c.record == bindparam("_record"), o.c.record_key == bindparam("_key")]
            named += [o.c.version == bindparam("_version"), o.c.batch_id.not_in(batches.REDUCED)]
            again = states.change("lose", *named, next_try_at=now)
            keys = [dict(zip(("_record", "_key", "_version"), each[:3], strict=True)) for each in part]
            sent += connection.execute(again, keys).rowcount
            sent += _recall(work, connection, now)
    return sent


def _recall(work: duckdb.DuckDBPyConnection, connection: Connection, now: datetime) -> int:
    rows = work.execute(f"select {', '.join(NAMES)} from recalled").fetchall()
    if not rows:
        return 0
    changed = {"state": states.target("recall"), "next_try_at": now}
    values = [dict(zip(NAMES, row, strict=True)) | changed for row in rows]
    connection.execute(insert(ledger.outbox), values)
    names = ("record", "record_key", "version", "move_id", "case_month")
    moves = work.execute(f"select {', '.join(names)} from recalled").fetchall()
    connection.execute(
        insert(ledger.final_recalls),
        [dict(zip(names, row, strict=True)) | {"recalled_at": now} for row in moves],
    )
    _count(work, connection, "recalled", -1)
    return len(values)


def _remove_uncounted() -> None:
    """What the ledger does not name: left by a crash, or merged into another file by an earlier run."""
    home = final_files.folder()
    if not home.is_dir():
        return
    counted: set[Path] = set()
    for path in final_files.now_there().paths:
        counted |= {path, final_files.receipts_beside(path)}
    for place in home.iterdir():
        if place.name.startswith(".draft-"):
            shutil.rmtree(place)
            continue
        for file in place.iterdir():
            if file not in counted:
                file.unlink()


def _merge(work: duckdb.DuckDBPyConnection, now: datetime, summary: MoveSummary) -> None:
    """Many small files of a month become one; the old ones are removed by a later run, readers may still be at them."""
    there = final_files.now_there()
    months: dict[str, list[dict[str, Any]]] = {}
    for file in there.known:
        if file["rows"] < _LARGE:
            months.setdefault(file["case_month"], []).append(file)
    for month, files in months.items():
        if len(files) >= _MANY:
            _merge_month(work, month, final_files.Files(files, there.recalls), now)
            summary.merged_files += len(files)


def _merge_month(
    work: duckdb.DuckDBPyConnection, month: str, files: final_files.Files, now: datetime
) -> None:
    rows = final_files.rows(work, files, [*NAMES, "move_id"])
    work.execute(f"create or replace temp view merging as select *, '{month}' as case_month from ({rows})")
    final_files.load(work, "merging_receipts", final_files.kinds_of(ledger.receipts, RECEIPT_NAMES), [])
    work.execute("alter table merging_receipts add column case_no varchar")
    work.execute("alter table merging_receipts add column case_month varchar")
    if files.receipt_paths:
        work.execute(
            f"insert into merging_receipts by name select *, '{month}' as case_month"
            f" from {final_files.source_of(files.receipt_paths)}"
        )
    made = _write(work, uuid.uuid4().hex, now, "merging", "merging_receipts")
    if not made:  # every row was recalled: its receipts have no other place
        return
    moves = work.execute(f"select distinct move_id from {final_files.source_of(files.paths)}").fetchall()
    f, recalled = ledger.final_files, ledger.final_recalls
    with ledger.transaction() as connection:
        connection.execute(insert(f), made)
        gone = delete(f).where(f.c.path == bindparam("_path"))
        connection.execute(gone, [{"_path": file["path"]} for file in files.known])
        # Their lines were left out of the new file.
        forgotten = delete(recalled).where(
            recalled.c.case_month == month, recalled.c.move_id == bindparam("_move")
        )
        connection.execute(forgotten, [{"_move": move_id} for (move_id,) in moves])
