"""The cut: what is new in the exchange records becomes an immutable batch, and every record gets its version."""

import os
import shutil
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
from sqlalchemy import func, insert, select, text

from exchange import batches, reducing, unchecked
from exchange.records import RecordType, record_types
from exchange.work import is_anything_due
from wangting import at_rest, clock, disk, engine, ledger, locks, settings
from wangting.errors import WangtingError
from wangting.site import current_site

_MEMORY = (
    "2GB"  # a first cut of a whole city sorts gigabytes; it spills to disk rather than crowd out a build
)
_OURS = ("version", "is_represented", "is_backfill", "batch_id", "cut_at")


@dataclass
class CutSummary:
    """What a cut found; counts are records.

    Attributes:
        batch_id: None where nothing was new.
        mode: full (everything compared), touched (what the builds since the last cut wrote), none (no new build).
        new: seen for the first time. corrected: a new version. represented: the same version, presented again because
            its context has changed, or the rules by which it was held. backfill: of all these, from before the go-live.
        rows: record type → records in the batch.
    """

    batch_id: str | None
    mode: str
    new: int = 0
    corrected: int = 0
    represented: int = 0
    backfill: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class _Mark:
    builds: int
    run_no: int | None


def cut(*, full: bool = False, restore: bool = False) -> CutSummary:
    """Cut what is new since the last cut into a batch.

    A record is new when its payload hash differs from that of the latest version of its key in earlier batches. It is
    presented again when its context has changed (the context hash's second part), whatever was said of it before: a
    warning may have lost its reason, and what passed may have got one. Where only the rules have changed (the first
    part), no more than what was held or not judged is presented again, and so is what was held before its own time
    had come (a source whose clock is fast), and what the gate could not judge (`exchange.unchecked`). So is what was
    never sent and has lost its content to the retention, when there is news of its case. A crash leaves nothing
    visible.

    Args:
        full: compare every record, not only those that the builds since the last cut have written.
        restore: present everything again that waits without its content, so that a backfill can send it.

    Raises:
        WangtingError: nothing was built yet, the last build did not pass, or another process writes the lane.
    """
    started = time.monotonic()
    at_rest.writing()  # a missing key is told before anything is looked at
    with locks.writer("exchange"):
        reducing.finish()
        builds = _builds_seen()
        mark = _last_mark()
        is_seen = mark is not None and mark.builds == builds
        if is_seen and not full and not restore and not is_anything_due():
            return CutSummary(None, "none")
        path = settings.home() / "lanes" / "exchange" / "exchange.duckdb"
        if not path.is_file():
            raise WangtingError(
                "还没有构建交换记录", place=str(path), mend="先运行 wangting build 或 wangting exchange"
            )
        lane = engine.connect(path, read_only=True)
        try:
            if "WANGTING_MEMORY" not in os.environ:
                lane.execute(f"set memory_limit = '{_MEMORY}'")
            batches.keep_snapshot(lane, [kind.table for kind in record_types()])
            summary = _cut(lane, record_types(), mark, builds, full, restore)
        except duckdb.IOException as error:
            reason = str(error).splitlines()[0]
            raise WangtingError(
                f"读写批次文件失败（{reason}）", place=str(path), mend="清出磁盘空间、检查文件权限后再切"
            ) from error
        finally:
            lane.close()
    summary.seconds = round(time.monotonic() - started, 2)
    return summary


def _builds_seen() -> int:
    """How many builds of the lane there have been; the newest must have passed."""
    found = ledger.rows(
        select(ledger.builds.c.state)
        .where(ledger.builds.c.lane == "exchange")
        .order_by(ledger.builds.c.started_at, ledger.builds.c.build_id)
    )
    if found and found[-1]["state"] != "passed":
        raise WangtingError(
            "交换记录的上一次构建没有通过，记录可能只更新了一半", place="exchange", mend="重新构建后再切"
        )
    return len(found)


def _last_mark() -> _Mark | None:
    found = ledger.rows(select(ledger.cuts).order_by(ledger.cuts.c.cut_no.desc()).limit(1))
    return _Mark(found[0]["builds"], found[0]["run_no"]) if found else None


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None  # an aggregate always has a row
    return int(row[0] or 0)


def _columns(lane: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[str]:
    return [
        str(name)
        for (name,) in lane.execute(
            "select column_name from information_schema.columns"
            f" where table_schema = {engine.literal(schema)} and table_name = {engine.literal(table)}"
            " and table_catalog = current_database() order by ordinal_position"
        ).fetchall()
    ]


def _cut(
    lane: duckdb.DuckDBPyConnection,
    kinds: list[RecordType],
    mark: _Mark | None,
    builds: int,
    full: bool,
    restore: bool,
) -> CutSummary:
    columns = {kind.table: _columns(lane, "main", kind.table) for kind in kinds}
    missing = [table for table, found in columns.items() if not found]
    if missing:
        raise WangtingError(f"缺少 {'、'.join(missing)}", place="exchange.duckdb", mend="重新构建交换记录")
    run_no = None
    if "run_no" in _columns(lane, "run", "context"):
        run_no = _scalar(lane, "select max(run_no) from run.context")
    # Rows say which run wrote them. Where that cannot be trusted – no mark, a lane built anew with smaller numbers,
    # a model without the column – everything is compared: a cut must never miss a key.
    is_numbered = all("_run_no" in found for found in columns.values())
    above = None
    if not full and mark and mark.run_no is not None and run_no is not None and is_numbered:
        # The same run again: nothing new, but what was held for a time ahead may have come due.
        is_same = run_no == mark.run_no and builds == mark.builds
        above = mark.run_no if run_no > mark.run_no or is_same else None
    earlier = batches.committed()
    batch_id = f"b{len(earlier) + 1:06d}-{ledger.stamp(clock.now())}"
    summary = CutSummary(batch_id, "full" if above is None else "touched")
    cut_at = clock.now()
    home = settings.home() / "batches"
    home.mkdir(exist_ok=True)
    _remove_uncommitted(home, {batch["batch_id"] for batch in earlier})
    draft = home / f".draft-{batch_id}"
    draft.mkdir()
    try:
        # What lost its content comes back with its case's news, so all news must be known before anything is written.
        reduced = batches.reduced()
        for kind in kinds:
            _compare(lane, kind, earlier, above, summary)
            if not reduced:
                _write(lane, kind, columns[kind.table], summary, cut_at, draft)
        if reduced:
            _put_back(lane, kinds, earlier, reduced, summary, restore)
            for kind in kinds:
                _write(lane, kind, columns[kind.table], summary, cut_at, draft)
        if not summary.rows:
            draft.rmdir()
            summary.batch_id = None
        else:
            _settle(draft, home / batch_id)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _commit(summary, cut_at, builds, run_no)
    return summary


def _remove_uncommitted(home: Path, known: set[str]) -> None:
    """A folder that the ledger does not know was left by a crash."""
    for place in home.iterdir():
        if place.is_dir() and place.name not in known:
            shutil.rmtree(place)


def _compare(
    lane: duckdb.DuckDBPyConnection,
    kind: RecordType,
    earlier: list[dict[str, object]],
    above: int | None,
    summary: CutSummary,
) -> None:
    """Find what is new of one record type, into the temporary table fresh_<table>: one row per record key."""
    come_due = engine.given(
        {"record_key": "varchar"}, ([key] for key in (*_come_due(kind), *unchecked.due(kind.record)))
    )
    lane.execute(f"create or replace temp table come_due as select * from {come_due}")
    its_time_came = "record_key in (select record_key from come_due)"
    only = "" if above is None else f" where _run_no > {above} or {its_time_came}"
    lane.execute(
        "create or replace temp view candidates as select record_key, payload_hash, context_hash"
        f" from {kind.table}{only}"
    )
    latest = batches.latest(earlier, kind.table, among=None if above is None else "candidates")
    lane.execute(f"""
        create or replace temp table fresh_{kind.table} as
        select
            candidates.record_key,
            coalesce(known.version, 0)
                + (known.payload_hash is distinct from candidates.payload_hash)::integer as version,
            known.payload_hash is not distinct from candidates.payload_hash as is_represented
        from candidates
        left join (select record_key, version, payload_hash, context_hash, outcome from ({latest})) as known
            on candidates.record_key = known.record_key
        where known.record_key is null
            or known.payload_hash is distinct from candidates.payload_hash
            or split_part(known.context_hash, ':', 2) is distinct from split_part(candidates.context_hash, ':', 2)
            or (
                coalesce(known.outcome, 'unjudged') in ('held', 'unchecked', 'unjudged')
                and (known.context_hash is distinct from candidates.context_hash or candidates.{its_time_came})
            )
    """)
    rows, keys, corrected, represented = lane.execute(
        "select count(*), count(distinct record_key), count(*) filter (version > 1 and not is_represented),"
        f" count(*) filter (is_represented) from fresh_{kind.table}"
    ).fetchall()[0]
    if rows != keys:
        example = lane.execute(
            f"select coalesce(record_key, '（空）') from fresh_{kind.table} group by record_key"
            " having count(*) > 1 or record_key is null limit 1"
        ).fetchall()[0][0]
        raise WangtingError(
            f"同一记录出现了多行（例如 {_tail(example)}）",
            place=kind.table,
            mend="重新构建交换记录（wangting build --full）",
        )
    if rows:
        summary.rows[kind.record] = rows
    summary.new += rows - corrected - represented
    summary.corrected += corrected
    summary.represented += represented


def _come_due(kind: RecordType) -> list[str]:
    """Keys of what was held while its time lay in the future, and no longer does."""
    o = ledger.outbox
    # The business time itself: a bare date that lies ahead has a clock that began when it was written.
    own_time = func.coalesce(o.c.business_time, o.c.clock_at)
    query = select(o.c.record_key).where(
        o.c.record == kind.record, text(ledger.AHEAD_OF_TIME), own_time <= clock.now()
    )
    return [row["record_key"] for row in ledger.rows(query)]


def _tail(key: str) -> str:
    return key if len(key) <= 40 else f"{key[:40]}…"


def _write(
    lane: duckdb.DuckDBPyConnection,
    kind: RecordType,
    columns: list[str],
    summary: CutSummary,
    cut_at: datetime,
    draft: Path,
) -> None:
    """Write what is new in the order of case numbers, so that the push can read it range by range."""
    if not summary.rows.get(kind.record):
        lane.execute(f"drop table fresh_{kind.table}")
        return
    kept = ", ".join(f'rows."{name}"' for name in columns if name not in (*_OURS, "_run_no"))
    target = draft / f"{kind.table}.parquet"
    go_live = engine.literal(current_site().go_live)
    # Without a usable business time a record counts from when its source wrote it: a date that lies ahead is none, and
    # would put a case of years ago on its way.
    now = engine.literal(cut_at)
    lane.execute(f"""
        copy (
            select
                {kept},
                cast(fresh.version as integer) as version,
                fresh.is_represented,
                coalesce(
                    case when rows.business_time <= timestamp {now} then rows.business_time end,
                    rows.source_written_at, rows.arrived_at
                ) < timestamp {go_live} as is_backfill,
                {engine.literal(summary.batch_id)} as batch_id,
                timestamp {engine.literal(cut_at)} as cut_at
            from {kind.table} as rows
            inner join fresh_{kind.table} as fresh on rows.record_key = fresh.record_key
            order by rows.case_no, rows.record_key
        ) to {engine.literal(target)}
        (format parquet, compression zstd, row_group_size {batches.ROW_GROUP}{at_rest.writing()})
    """)
    summary.backfill += _scalar(
        lane, f"select count(*) filter (is_backfill) from {batches.reading([target])}"
    )
    lane.execute(f"drop table fresh_{kind.table}")


def _put_back(
    lane: duckdb.DuckDBPyConnection,
    kinds: list[RecordType],
    earlier: list[dict[str, object]],
    reduced: set[str],
    summary: CutSummary,
    restore: bool,
) -> None:
    """Present again what was never sent and has no content any more: of the cases with news, or of all."""
    news = " union ".join(
        f"select rows.case_no from {kind.table} as rows inner join fresh_{kind.table} using (record_key)"
        for kind in kinds
    )
    lane.execute(f"create or replace temp table news as {news}")
    for kind in kinds:
        waiting = batches.waiting_without_content(reduced, kind.table)
        if waiting is None:
            continue
        lane.execute(f"create or replace temp table waiting as {waiting}")
        lane.execute(f"""
            insert into fresh_{kind.table}
            select rows.record_key, known.version, true
            from {kind.table} as rows
            inner join ({batches.latest(earlier, kind.table, among="waiting")}) as known
                on rows.record_key = known.record_key and rows.payload_hash = known.payload_hash
            semi join waiting
                on known.record_key = waiting.record_key and known.version = waiting.version
                    and known.batch_id = waiting.batch_id
            anti join fresh_{kind.table} as fresh on rows.record_key = fresh.record_key
            where {restore} or rows.case_no in (select case_no from news)
        """)
        total = _scalar(lane, f"select count(*) from fresh_{kind.table}")
        summary.represented += total - summary.rows.get(kind.record, 0)
        if total:
            summary.rows[kind.record] = total


def _settle(draft: Path, target: Path) -> None:
    """Make the files durable, then visible, in one step."""
    disk.sync(*draft.iterdir(), draft)
    draft.replace(target)


def _commit(summary: CutSummary, cut_at: datetime, builds: int, run_no: int | None) -> None:
    lane = ledger.rows(select(ledger.lanes.c.built_seq).where(ledger.lanes.c.lane == "exchange"))
    with ledger.transaction() as connection:
        if summary.batch_id is not None:
            connection.execute(
                insert(ledger.batches).values(
                    batch_id=summary.batch_id,
                    state="cut",
                    mode=summary.mode,
                    cut_at=cut_at,
                    rows=sum(summary.rows.values()),
                    exchange_build_seq=lane[0]["built_seq"] if lane else 0,
                )
            )
        number = connection.execute(select(func.max(ledger.cuts.c.cut_no))).scalar() or 0
        connection.execute(
            insert(ledger.cuts).values(
                cut_no=number + 1,
                mode=summary.mode,
                cut_at=cut_at,
                builds=builds,
                run_no=run_no,
                batch_id=summary.batch_id,
            )
        )
