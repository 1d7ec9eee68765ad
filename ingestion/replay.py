"""Replay: a table's landing is made anew from the raw pages and files that were kept, and its source is not asked.

For what a changed declaration would have landed otherwise: a type put right, a column declared later, a sheet read in
another way. Each load keeps its number, its place and its time; a load without raw data (a database's, or cleared by
the retention) stays as it is. Everything is written beside and switched at once, as compaction does.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import select, update

from ingestion import compaction, landing, windows
from ingestion.compaction import Span
from ingestion.connecting import Replayable, connector, place
from ingestion.windows import Load
from wangting import clock, engine, landed, ledger, locks, settings
from wangting.errors import WangtingError
from wangting.landed import Landed
from wangting.ledger import loads
from wangting.site import current_site
from wangting.source_spec import Source

Told = Callable[[int, int, str], None]


@dataclass
class ReplaySummary:
    """What a replay did.

    Attributes:
        replayed: loads read anew. kept: loads without raw data, which stay as they were.
        rows_before, rows: of the table. is_changed: some row is another one than before; the next builds are then full.
    """

    source: str
    table: str
    replayed: int
    kept: int
    rows_before: int
    rows: int
    is_changed: bool

    def summary(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class _Made:
    """One load on its way: its row of the ledger, its new file (None: without rows), how many rows and deletes."""

    about: dict[str, Any]
    file: Path | None
    rows: int
    deleted: int
    cursor_high: str | None


def replay(source: str, table: str, *, told: Told | None = None) -> ReplaySummary:
    """Make the landing of a table anew.

    Args:
        told: called before each load with its number, how many there are, and its name.

    Raises:
        WangtingError: nothing is kept of the table, its connector keeps nothing, or what is kept does not fit the
            declaration; nothing has changed then.
    """
    spec = current_site().source(source)
    if table not in spec.tables:
        raise WangtingError(
            f"没有声明表 {table}", place=place(spec), mend=f"可用的表：{'、'.join(spec.tables)}"
        )
    asked = connector(spec)
    if not isinstance(asked, Replayable):
        raise WangtingError(
            "该来源不留原始页面或文件，无法重放",
            place=place(spec, table),
            mend="用 wangting pull --full 重新抽取",
        )
    scratch = settings.home() / "spill" / f"replay-{source}-{table}"
    # A pull of the table must not count on rows that are about to be other ones.
    with locks.writer(compaction.LOCK), locks.writer(f"pull-{source}-{table}", wait=10.0):
        compaction.clear_unfinished()
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            return _replay(spec, table, asked, scratch, told)
        finally:
            asked.close()
            shutil.rmtree(scratch, ignore_errors=True)


def _replay(spec: Source, table: str, asked: Replayable, scratch: Path, told: Told | None) -> ReplaySummary:
    here = (loads.c.source == spec.name) & (loads.c.table_name == table) & (loads.c.state == "committed")
    known = ledger.rows(select(loads).where(here).order_by(loads.c.commit_seq))
    before = landed.landed(spec.name, table)
    made: list[_Made] = []
    replayed = 0
    for number, about in enumerate(known):
        if told is not None:
            told(number, len(known), about["load_id"])
        load = replace(windows.read(spec, about), is_replay=True)
        file = scratch / f"{about['load_id']}.parquet"
        with engine.connect() as connection:
            if about["kind"] != "deletes" and load.raw.is_dir():
                made.append(_anew(connection, asked, load, about, file, made))
                replayed += 1
            else:
                made.append(_as_it_was(connection, spec.name, table, about, file))
    if not replayed:
        raise WangtingError(
            "没有留下原始页面或文件，无法重放",
            place=place(spec, table),
            mend="用 wangting pull --full 重新抽取",
        )
    rows = sum(one.rows for one in made)
    is_changed = _differs(before, made)
    if is_changed:
        _switch(spec.name, table, before, made)
    return ReplaySummary(
        spec.name,
        table,
        replayed,
        len(known) - replayed,
        sum(int(about["rows"]) for about in known),
        rows,
        is_changed,
    )


def _anew(
    connection: duckdb.DuckDBPyConnection,
    asked: Replayable,
    load: Load,
    about: dict[str, Any],
    file: Path,
    earlier: list[_Made],
) -> _Made:
    extract = asked.replay(connection, load)
    if extract.errors:
        raise WangtingError("；".join(error.rstrip("。") for error in extract.errors))
    overlap = [one for one in earlier if one.file is not None and _reaches(one, load)]
    done = landing.land(
        connection,
        load,
        extract,
        path=file,
        loaded_at=about["loaded_at"],
        earlier=_landed(overlap),
    )
    high = None if done.cursor_high is None else windows.text(done.cursor_high)
    return _Made(about, file if done.rows else None, done.rows, done.deleted, high)


def _reaches(one: _Made, load: Load) -> bool:
    """As `windows.overlapping` chooses."""
    if load.low is None or load.table.cursor is None:
        return True
    return str(one.cursor_high or one.about["window_high"]) >= windows.text(load.low)


def _as_it_was(
    connection: duckdb.DuckDBPyConnection, source: str, table: str, about: dict[str, Any], file: Path
) -> _Made:
    rows = landed.landed(source, table, only=[about["load_id"]])
    ids = engine.literal(about["load_id"])
    number = landing.write(connection, f"FROM {landed.relation(rows)} WHERE _load_id = {ids}", file)
    return _Made(about, file if number else None, number, int(about["deleted"] or 0), about["cursor_high"])


def _landed(made: list[_Made]) -> Landed:
    files = tuple(one.file for one in made if one.file is not None)
    order = {one.about["load_id"]: int(one.about["commit_seq"]) for one in made}
    return Landed(order, files, (), any(one.deleted for one in made)) if files else Landed()


def _differs(before: Landed, made: list[_Made]) -> bool:
    """Whether the rows, with all that the landing adds to them, are others than they were."""
    now = _landed(made)
    if not now:
        return True
    with engine.connect() as connection:
        old, new = landed.relation(before), landed.relation(now)

        def columns(rows: str) -> dict[str, str]:
            return {
                str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE FROM {rows}").fetchall()
            }

        there, here = columns(old), columns(new)
        if there != here:
            return True
        listed = ", ".join(map(landed.quoted, there))
        for one, other in ((old, new), (new, old)):
            query = f"SELECT {listed} FROM {one} EXCEPT ALL SELECT {listed} FROM {other}"
            if landing.count(connection, f"FROM ({query})"):
                return True
    return False


def _switch(source: str, table: str, before: Landed, made: list[_Made]) -> None:
    """Write the new files, by day and month as compaction would, then let every load point to its own at once."""
    today = clock.today()
    by_span: dict[str, list[_Made]] = {}
    for one in made:
        by_span.setdefault(compaction.span_of(one.about["load_date"], today), []).append(one)
    spans: list[tuple[Span, list[_Made]]] = []
    without: list[_Made] = []
    for span, members in by_span.items():
        if rows := _landed([one for one in members if one.file is not None]):
            spans.append((compaction.write(source, table, span, rows), members))
        else:
            without += members
    if not spans:
        raise WangtingError(
            "重放后一行也没有，未予替换", place=f"{source}.{table}", mend="检查 source.yml 中的声明"
        )
    # What now has no rows points to a file in which it has none.
    spans[0][1].extend(without)
    old = [str(path.relative_to(settings.home())) for path in before.files]
    with ledger.transaction() as connection:
        for one in made:
            connection.execute(
                update(loads)
                .where(loads.c.load_id == one.about["load_id"])
                .values(rows=one.rows, deleted=one.deleted or None, cursor_high=one.cursor_high)
            )
        for span_made, members in spans:
            compaction.switch(connection, span_made, [], [one.about["load_id"] for one in members])
        compaction.retire(connection, source, table, "all", old)
        # Rows that are other ones under the same numbers are no news to a lane: it begins anew.
        connection.execute(update(ledger.lanes).values(fingerprint=""))
