"""Windows: which part of a table a load covers. Planned in the ledger before the source is asked, then kept.

A load's life: planned → committed | empty | failed.
- planned and nothing else: its process was killed. The next pull redoes the same load_id and window, and adopts
  the file where the crash came after the rename.
- failed: nothing of it is visible. The next pull plans anew, from where the last good load ended; at most one failed
  load a table is kept, for its error.
- empty: the window was read and held nothing new. Only the newest is kept, because it carries the cursor; a table
  pulled every ten minutes for a year would otherwise leave fifty thousand rows that say nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from wangting import clock, ledger, settings
from wangting.ledger import loads
from wangting.source_spec import Source, Table


@dataclass(frozen=True)
class Load:
    """One load of one table.

    Attributes:
        low: rows from this cursor value on, inclusive: what an earlier load already has is dropped by its hash, while a
            row committed late with the very same value is not lost. None: from the beginning, rows without a cursor
            included.
        high: rows up to this cursor value, inclusive.
    """

    load_id: str
    source: Source
    name: str
    low: datetime | None
    high: datetime
    load_date: date

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


def _of(source: Source, name: str) -> Any:
    return (loads.c.source == source.name) & (loads.c.table_name == name)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _load(source: Source, row: dict[str, Any]) -> Load:
    high = _moment(row["window_high"])
    assert high is not None  # every load is planned with an upper bound
    return Load(
        row["load_id"],
        source,
        row["table_name"],
        _moment(row["window_low"]),
        high,
        date.fromisoformat(row["load_date"]),
    )


def unfinished(source: Source, name: str) -> Load | None:
    """The load that a killed process left behind, where there is one."""
    found = ledger.rows(select(loads).where(_of(source, name), loads.c.state == "planned"))
    return _load(source, found[0]) if found else None


def plan(source: Source, name: str, *, full: bool = False) -> Load:
    """Commit the window of the next load to the ledger.

    From the end of the last good load less the table's lag, or from the beginning (first load, or `full`), to now.
    """
    moment = clock.now()
    with ledger.transaction() as connection:
        connection.execute(delete(loads).where(_of(source, name), loads.c.state == "failed"))
        reached = _moment(
            connection.execute(
                select(func.max(loads.c.window_high)).where(
                    _of(source, name), loads.c.state.in_(["committed", "empty"])
                )
            ).scalar()
        )
        low = None
        if reached is not None and not full:
            # A clock that was set back must not open a gap.
            low = min(reached, moment) - source.tables[name].lag
        load = Load(_free_id(connection, source, name, moment), source, name, low, moment, moment.date())
        connection.execute(
            insert(loads).values(
                load_id=load.load_id,
                source=source.name,
                table_name=name,
                state="planned",
                window_low=None if low is None else low.isoformat(sep=" ", timespec="microseconds"),
                window_high=moment.isoformat(sep=" ", timespec="microseconds"),
                load_date=load.load_date.isoformat(),
                path=load.relative_path,
                planned_at=moment,
            )
        )
    return load


def _free_id(connection: Connection, source: Source, name: str, moment: datetime) -> str:
    start = f"{source.name}-{name}-{ledger.stamp(moment)}-"
    used = set(connection.execute(select(loads.c.load_id).where(_of(source, name))).scalars())
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
) -> None:
    """Make the load part of the warehouse, all of it in one transaction: `committed`, or `empty` without rows."""
    with ledger.transaction() as connection:
        # Writing comes first: it takes SQLite's write lock, so no other commit can get the same commit_seq.
        connection.execute(
            update(loads)
            .where(loads.c.load_id == load.load_id)
            .values(
                state="committed" if rows else "empty",
                path=load.relative_path if rows else None,
                rows=rows,
                bytes=size,
                loaded_at=loaded_at,
                warning="\n".join(warnings) or None,
                error="\n".join(errors) or None,
            )
        )
        connection.execute(
            delete(loads).where(
                _of(load.source, load.name), loads.c.state == "empty", loads.c.load_id != load.load_id
            )
        )
        if rows:
            connection.execute(
                update(loads)
                .where(loads.c.load_id == load.load_id)
                .values(commit_seq=ledger.next_commit_seq(connection))
            )
        ledger.upsert(connection, ledger.taken_files, taken)


def fail(load: Load, error: str) -> None:
    """Note why nothing came of the load."""
    with ledger.transaction() as connection:
        connection.execute(
            update(loads).where(loads.c.load_id == load.load_id).values(state="failed", error=error)
        )


def overlapping(load: Load) -> list[Path]:
    """The files of earlier loads that may hold rows of this load's window again."""
    query = select(loads.c.path).where(_of(load.source, load.name), loads.c.state == "committed")
    if load.low is not None and load.table.cursor is not None:
        query = query.where(loads.c.window_high >= load.low.isoformat(sep=" ", timespec="microseconds"))
    return [settings.home() / row["path"] for row in ledger.rows(query.order_by(loads.c.commit_seq))]


def taken_before(source: Source, name: str) -> tuple[set[str], dict[str, str]]:
    """The contents that were taken from this table's folder before, and file name → the one taken last."""
    taken = ledger.taken_files
    found = ledger.rows(
        select(taken.c.name, taken.c.content_hash)
        .where(taken.c.source == source.name, taken.c.table_name == name)
        .order_by(taken.c.taken_at, taken.c.load_id)
    )
    return {row["content_hash"] for row in found}, {row["name"]: row["content_hash"] for row in found}
