"""Compaction: a closed day's loads become one file, a closed month's one file; nothing that is read ever changes.

The new file is named in the ledger before it is written and read only once all of it is there: in one transaction every
load points to it. The files that it replaces stay for a grace time, for those who have their names already. `_load_id`
and `_loaded_at` stay in every row, so that a build still sees which loads are new to it. Killed at any moment, what was
begun is taken away by the next run, and what was switched is complete.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, delete, func, insert, select, update

from ingestion import landing
from wangting import clock, engine, landed, ledger, locks, settings
from wangting.errors import WangtingError
from wangting.landed import Landed
from wangting.ledger import landing_files, loads

# How long a file that was replaced stays: longer than any build or reader that may have its name.
GRACE = timedelta(days=1)
LOCK = "compact"
_AT_ONCE = 500  # names in one statement


@dataclass
class Span:
    """One merged file: what it holds, what it replaces."""

    source: str
    table: str
    span: str
    loads: int
    files: int
    rows: int
    bytes: int
    path: str


@dataclass
class CompactionSummary:
    """What a run did.

    Attributes:
        merged: the new files. deleted: how many replaced files went. waiting: how many still wait for their grace time.
        errors: spans that could not be merged; they stay as they are, and the others are merged all the same.
    """

    merged: list[Span] = field(default_factory=list)
    deleted: int = 0
    waiting: int = 0
    errors: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


Told = Callable[[int, int, str], None]


def compact(*, told: Told | None = None) -> CompactionSummary:
    """Merge every table's closed days and months, and delete what was replaced long enough ago.

    Args:
        told: called before each table with its number, how many there are, and its name.

    Raises:
        WangtingError: another compaction or replay is running.
    """
    done = CompactionSummary()
    with locks.writer(LOCK):
        clear_unfinished()
        tables = ledger.rows(
            select(loads.c.source, loads.c.table_name)
            .where(loads.c.state == "committed")
            .distinct()
            .order_by(loads.c.source, loads.c.table_name)
        )
        for number, row in enumerate(tables):
            source, table = row["source"], row["table_name"]
            if told is not None:
                told(number, len(tables), f"{source}.{table}")
            for span, days in _due(source, table).items():
                try:
                    done.merged.append(_merge(source, table, span, days))
                except (WangtingError, duckdb.Error, OSError) as error:
                    sentence = landing.as_sentence(error, f"{source}.{table} {span}") or error
                    done.errors.append(str(sentence))
        done.deleted = _delete_retired()
        done.waiting = int(
            ledger.rows(select(func.count().label("n")).where(landing_files.c.state == "retired"))[0]["n"]
        )
    return done


def span_of(day: str, today: date) -> str:
    """The span that a day's loads belong to: the month once that is over, otherwise the day itself (ISO)."""
    return day[:7] if day[:7] < f"{today:%Y-%m}" else day


def _due(source: str, table: str) -> dict[str, list[str]]:
    """Span → its days, of the spans that are closed and lie in more than one file."""
    today = clock.today()
    found = ledger.rows(
        select(loads.c.load_date, loads.c.path)
        .where(
            loads.c.source == source,
            loads.c.table_name == table,
            loads.c.state == "committed",
            loads.c.load_date < today.isoformat(),
        )
        .distinct()
    )
    days: dict[str, set[str]] = {}
    files: dict[str, set[str]] = {}
    for row in found:
        span = span_of(row["load_date"], today)
        days.setdefault(span, set()).add(row["load_date"])
        files.setdefault(span, set()).add(row["path"])
    return {span: sorted(days[span]) for span in sorted(days) if len(files[span]) > 1}


def _merge(source: str, table: str, span: str, days: Sequence[str]) -> Span:
    chosen = ledger.rows(
        select(loads.c.load_id, loads.c.path, loads.c.rows).where(
            loads.c.source == source,
            loads.c.table_name == table,
            loads.c.state == "committed",
            loads.c.load_date.in_(days),
        )
    )
    rows = landed.landed(source, table, only=[row["load_id"] for row in chosen])
    made = write(source, table, span, rows)
    expected = sum(int(row["rows"]) for row in chosen)
    if made.rows != expected:
        raise WangtingError(
            f"合并后有 {made.rows} 行，台账上是 {expected} 行，未予合并",
            place=f"{source}.{table} {span}",
            mend="检查这些文件是否被改动过，或运行 wangting replay 从原始数据重建",
        )
    with ledger.transaction() as connection:
        switch(connection, made, {row["path"] for row in chosen}, [row["load_id"] for row in chosen])
    return made


def write(source: str, table: str, span: str, rows: Landed) -> Span:
    """Write one merged file of these loads, named in the ledger first; nobody reads it yet.

    Raises:
        WangtingError, duckdb.Error: it could not be written; nothing is visible.
    """
    number = 1
    start = f"landing/{source}/{table}/merged/{span}.{ledger.stamp(clock.now())}"
    while (settings.home() / f"{start}-{number}.parquet").exists() or ledger.rows(
        select(landing_files.c.path).where(landing_files.c.path == f"{start}-{number}.parquet")
    ):
        number += 1
    path = f"{start}-{number}.parquet"
    ledger.record(
        landing_files,
        path=path,
        source=source,
        table_name=table,
        state="planned",
        span=span,
        made_at=clock.now(),
    )
    with engine.connect() as connection:
        number_of_rows = landing.write(connection, landed.relation(rows), settings.home() / path)
    size = (settings.home() / path).stat().st_size if number_of_rows else 0
    return Span(source, table, span, len(rows.loads), len(rows.files), number_of_rows, size, path)


def switch(connection: Connection, made: Span, replaced: Iterable[str], members: Sequence[str]) -> None:
    """Let the member loads point to the merged file, and retire the files that no load points to any more."""
    for first in range(0, len(members), _AT_ONCE):
        connection.execute(
            update(loads)
            .where(loads.c.load_id.in_(members[first : first + _AT_ONCE]), loads.c.state == "committed")
            .values(path=made.path)
        )
    connection.execute(
        update(landing_files).where(landing_files.c.path == made.path).values(state="merged", rows=made.rows)
    )
    retire(connection, made.source, made.table, made.span, replaced)


def retire(connection: Connection, source: str, table: str, span: str, replaced: Iterable[str]) -> None:
    """Mark files for deletion, except those that a load still points to."""
    for path in sorted(replaced):
        if connection.execute(select(loads.c.load_id).where(loads.c.path == path).limit(1)).first():
            continue
        connection.execute(delete(landing_files).where(landing_files.c.path == path))
        connection.execute(
            insert(landing_files).values(
                path=path,
                source=source,
                table_name=table,
                state="retired",
                span=span,
                made_at=clock.now(),
                retired_at=clock.now(),
            )
        )


def clear_unfinished() -> None:
    """Take away the files of a compaction or replay that was killed before its switch: no load points to them."""
    for row in ledger.rows(select(landing_files.c.path).where(landing_files.c.state == "planned")):
        file = settings.home() / row["path"]
        file.with_name(f".{file.name}.part").unlink(missing_ok=True)
        file.unlink(missing_ok=True)
        with ledger.transaction() as connection:
            connection.execute(
                delete(landing_files).where(
                    landing_files.c.path == row["path"], landing_files.c.state == "planned"
                )
            )


def _delete_retired() -> int:
    before = clock.now() - GRACE
    old = ledger.rows(
        select(landing_files.c.path, landing_files.c.source, landing_files.c.table_name).where(
            landing_files.c.state == "retired",
            landing_files.c.retired_at <= before,
            landing_files.c.path.not_in(select(loads.c.path).where(loads.c.path.is_not(None))),
        )
    )
    folders: dict[Path, str] = {}
    for row in old:
        file = settings.home() / row["path"]
        file.unlink(missing_ok=True)
        folders[file.parent] = f"pull-{row['source']}-{row['table_name']}"
    with ledger.transaction() as connection:
        for first in range(0, len(old), _AT_ONCE):
            connection.execute(
                delete(landing_files).where(
                    landing_files.c.path.in_([row["path"] for row in old[first : first + _AT_ONCE]])
                )
            )
    for folder, lock in folders.items():
        # A pull makes its folder, then its file: it must not go in between.
        with suppress(WangtingError, OSError), locks.writer(lock):
            folder.rmdir()
    return len(old)
