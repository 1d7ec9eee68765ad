"""Windows: which part of a table a load covers. Planned in the ledger before the source is asked, then kept.

A load's life: planned → committed | empty | failed.
- planned and nothing else: its process was killed. The next pull redoes the same load_id and window, and adopts
  the file where the crash came after the rename.
- failed: nothing of it is visible. The next pull plans anew, from where the last good load ended; at most one failed
  load a table is kept, for its error.
- empty: the window was read and held nothing new. Only the newest is kept, because it carries the cursor; a table
  pulled every ten minutes for a year would otherwise leave fifty thousand rows that say nothing.

A cursor is the source's own idea of the time. A row up to a day ahead of the house's clock waits until its time has
come; one that is further ahead would wait for ever, so it is landed at once and told of, and the windows go on by the
house's clock, so that it hides nothing. Besides pulls there are loads of two other kinds, whose windows move no pull's
beginning: backfill (a span of time once more) and deletes (what the comparison with the source found).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from wangting import clock, landed, ledger, settings
from wangting.landed import Landed
from wangting.ledger import loads, remarks
from wangting.site import at as site_at
from wangting.source_spec import Source, Table

AHEAD = timedelta(days=1)
_NO_END = datetime(9000, 1, 1)

Kind = Literal["backfill", "deletes"]


@dataclass(frozen=True)
class Load:
    """One load of one table.

    Attributes:
        low: rows from this cursor value on, inclusive: what an earlier load already has is dropped by its hash, while a
            row committed late with the very same value is not lost. None: from the beginning, rows without a cursor
            included.
        high: rows up to this cursor value, inclusive.
        kind: None: a pull.
        is_replay: what was kept of it is read once more; the source is not asked.
    """

    load_id: str
    source: Source
    name: str
    low: datetime | None
    high: datetime
    load_date: date
    kind: Kind | None = None
    is_replay: bool = False

    @property
    def table(self) -> Table:
        """The table's declaration."""
        return self.source.tables[self.name]

    @property
    def path(self) -> Path:
        """Where the load becomes visible."""
        return settings.home() / self.relative_path

    @property
    def relative_path(self) -> str:
        """The same below the home, as the ledger has it."""
        return f"landing/{self.source.name}/{self.name}/load_date={self.load_date}/{self.load_id}.parquet"

    @property
    def raw(self) -> Path:
        """The folder in which raw pages and dropped files are kept, for replay."""
        return settings.home() / "raw" / self.source.name / self.name / self.load_id

    @property
    def zone(self) -> str:
        """The site's zone, in which the window and what is landed are worded."""
        return _zone(settings.site_path())

    @property
    def ahead(self) -> datetime:
        """Cursors beyond it are a fault of the source's clock."""
        return self.high + AHEAD

    @property
    def asked_until(self) -> datetime:
        """Up to which cursor a database is asked: a pull wants to see also what is too far ahead."""
        return self.high if self.kind == "backfill" else _NO_END


@lru_cache(maxsize=8)
def _zone(site: Path) -> str:
    return site_at(site).zone


def _of(source: Source, name: str) -> Any:
    return (loads.c.source == source.name) & (loads.c.table_name == name)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def read(source: Source, row: dict[str, Any]) -> Load:
    """A load from its row of the ledger."""
    high = _moment(row["window_high"])
    assert high is not None  # every load is planned with an upper bound
    return Load(
        row["load_id"],
        source,
        row["table_name"],
        _moment(row["window_low"]),
        high,
        date.fromisoformat(row["load_date"]),
        row["kind"],
    )


def unfinished(source: Source, name: str) -> Load | None:
    """The load that a killed process left behind, where there is one."""
    found = ledger.rows(select(loads).where(_of(source, name), loads.c.state == "planned"))
    return read(source, found[0]) if found else None


def plan(
    source: Source,
    name: str,
    *,
    full: bool = False,
    kind: Kind | None = None,
    span: tuple[datetime, datetime] | None = None,
) -> Load:
    """Commit the window of the next load to the ledger.

    From the end of the last good pull less the table's lag, or from the beginning (first pull, or `full`), to now.

    Args:
        span: the window of a backfill, both ends inclusive.
    """
    moment = clock.now()
    with ledger.transaction() as connection:
        stale = select(loads.c.load_id).where(_of(source, name), loads.c.state == "failed")
        connection.execute(delete(remarks).where(remarks.c.load_id.in_(stale)))
        connection.execute(delete(loads).where(_of(source, name), loads.c.state == "failed"))
        low, high = None, moment
        if span is not None:
            low, high = span
        elif kind is None and not full:
            reached = _moment(
                connection.execute(
                    select(func.max(loads.c.window_high)).where(
                        _of(source, name), loads.c.state.in_(["committed", "empty"]), loads.c.kind.is_(None)
                    )
                ).scalar()
            )
            if reached is not None:
                # A clock that was set back must not open a gap.
                low = min(reached, moment) - source.tables[name].lag
        load = Load(_free_id(connection, source, name, moment), source, name, low, high, moment.date(), kind)
        connection.execute(
            insert(loads).values(
                load_id=load.load_id,
                source=source.name,
                table_name=name,
                state="planned",
                window_low=None if low is None else text(low),
                window_high=text(high),
                load_date=load.load_date.isoformat(),
                path=load.relative_path,
                planned_at=moment,
                kind=kind,
            )
        )
    return load


def text(moment: datetime) -> str:
    """A cursor's value as the ledger writes it: sortable."""
    return moment.isoformat(sep=" ", timespec="microseconds")


def _free_id(connection: Connection, source: Source, name: str, moment: datetime) -> str:
    start = f"{source.name}-{name}-{ledger.stamp(moment)}-"
    used = set(
        connection.execute(
            select(loads.c.load_id).where(loads.c.load_id.between(start, f"{start}9999999999"))
        ).scalars()
    )
    folder = settings.home() / f"landing/{source.name}/{name}/load_date={moment.date()}"
    number = 1
    # A file without its ledger row (a restored ledger) must never be taken for this load's own.
    while f"{start}{number}" in used or (folder / f"{start}{number}.parquet").exists():
        number += 1
    return f"{start}{number}"


def finish(
    load: Load,
    *,
    rows: int,
    size: int,
    loaded_at: datetime,
    warnings: list[str],
    errors: list[str],
    taken: list[dict[str, Any]],
    deleted: int = 0,
    cursor_high: datetime | None = None,
    noted: Sequence[dict[str, Any]] = (),
) -> None:
    """Make the load part of the warehouse, all of it in one transaction: `committed`, or `empty` without rows.

    Args:
        deleted: how many of the rows say that one is gone.
        cursor_high: the latest cursor among them, where it lies beyond the window.
        noted: rows of the ledger's `remarks`.
    """
    with ledger.transaction() as connection:
        # Writing comes first: it takes SQLite's write lock, so no other commit can get the same commit_seq.
        values: dict[str, Any] = {
            "state": "committed" if rows else "empty",
            "path": load.relative_path if rows else None,
            "rows": rows,
            "bytes": size,
            "loaded_at": loaded_at,
            "deleted": deleted or None,
            "cursor_high": None if cursor_high is None else text(cursor_high),
            "warning": "\n".join(warnings) or None,
            "error": "\n".join(errors) or None,
        }
        if rows:
            values["commit_seq"] = ledger.next_commit_seq(connection)
        connection.execute(update(loads).where(loads.c.load_id == load.load_id).values(**values))
        superseded = _of(load.source, load.name) & (loads.c.state == "empty")
        # Of empty pulls the newest carries the cursor; other empty loads say nothing.
        if load.kind is None:
            superseded &= loads.c.load_id != load.load_id
        else:
            superseded &= loads.c.load_id == load.load_id
        connection.execute(delete(loads).where(superseded))
        if noted:
            connection.execute(insert(remarks), list(noted))
        ledger.upsert(connection, ledger.taken_files, taken)


def fail(load: Load, error: str, noted: Sequence[dict[str, Any]] = ()) -> None:
    """Note why nothing came of the load."""
    with ledger.transaction() as connection:
        connection.execute(
            update(loads).where(loads.c.load_id == load.load_id).values(state="failed", error=error)
        )
        if noted:
            connection.execute(insert(remarks), list(noted))


def overlapping(load: Load) -> Landed:
    """The earlier loads that may hold rows of this load's window again."""
    since = None
    if load.low is not None and load.table.cursor is not None:
        since = text(load.low)
    return landed.landed(load.source.name, load.name, reaching=since)


def taken_before(source: Source, name: str) -> tuple[set[str], dict[str, str]]:
    """The contents that were taken from this table's folder before, and file name → the one taken last."""
    taken = ledger.taken_files
    found = ledger.rows(
        select(taken.c.name, taken.c.content_hash)
        .where(taken.c.source == source.name, taken.c.table_name == name)
        .order_by(taken.c.taken_at, taken.c.load_id)
    )
    return {row["content_hash"] for row in found}, {row["name"]: row["content_hash"] for row in found}


def is_next_snapshot(load: Load, name: str, last: dict[str, str]) -> bool:
    """Whether a file is the next whole table: its content may be that of an earlier one, to which it then returns.

    Args:
        last: the names that were taken, as `taken_before` gives them; the files of such a table sort by their names.
    """
    deletes = load.table.deletes
    return deletes is not None and deletes.by == "snapshot" and bool(last) and name > max(last)
