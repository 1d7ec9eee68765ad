"""Backfill: a span of time is asked for once more, window by window; each window is a load of its own.

How far a table has come stands in the ledger, so that a killed backfill goes on where it stopped; asked for again after
its end, it begins anew. A window that was repeated brings nothing twice: what has landed is dropped as in every pull.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from ingestion import pulling, windows
from ingestion.pulling import LoadResult
from wangting import clock, ledger
from wangting.errors import WangtingError
from wangting.ledger import backfills
from wangting.site import current_site
from wangting.source_spec import Source

_STEP = timedelta(days=30)  # where the declaration says nothing of how much may be asked at once

Told = Callable[[int, int, str], None]


def backfill(
    sources: Sequence[str] | None,
    since: datetime,
    until: datetime | None = None,
    *,
    told: Told | None = None,
) -> list[LoadResult]:
    """Land what the sources have between two moments (naive, of the site's zone, both inclusive).

    Args:
        until: None: now.
        told: called before each window with its number, how many there are, and its text.

    Raises:
        WangtingError: a name that is no source, or a span that ends before it begins.
    """
    now = clock.now()
    if since > min(until or now, now):
        raise WangtingError("起点晚于终点", place="--since", mend="改正 --since 与 --until")
    site = current_site()
    specs = [site.source(name) for name in sources] if sources else list(site.sources)
    results: list[LoadResult] = []
    jobs: list[tuple[Source, str, dict[str, Any]]] = []
    for spec in specs:
        reason = pulling.unavailable(spec)
        for name, table in spec.tables.items():
            if reason is not None:
                results.append(LoadResult(spec.name, name, "unavailable", warnings=[reason]))
            elif table.cursor is None or spec.connect in ("files", "http"):
                skipped = f"{spec.title}（{spec.name}.{name}）没有游标，不能按时间段补取，已跳过"
                results.append(LoadResult(spec.name, name, "empty", warnings=[skipped]))
            else:
                jobs.append((spec, name, _begun(spec, name, since, until, now)))
    total = sum(len(list(_windows(spec, name, about))) for spec, name, about in jobs)
    number = 0
    for spec, name, about in jobs:
        together = LoadResult(spec.name, name, "empty")
        with pulling.Session(spec) as session:
            for low, high in list(_windows(spec, name, about)):
                if told is not None:
                    told(number, total, f"{spec.name}.{name} {low:%Y-%m-%d} 至 {high:%Y-%m-%d}")
                number += 1
                result, trouble = pulling.pull_one(session, name, span=(low, high))
                _add(together, result)
                if trouble is not None or result.errors:
                    break
                _reached(about, high, result.rows)
        results.append(together)
    return results


def _begun(spec: Source, name: str, since: datetime, until: datetime | None, now: datetime) -> dict[str, Any]:
    """The backfill's row of the ledger: one that was cut short, or a new one."""
    query = select(backfills).where(
        backfills.c.source == spec.name,
        backfills.c.table_name == name,
        backfills.c.since == windows.text(since),
        backfills.c.ended_at.is_(None),
    )
    if until is not None:
        query = query.where(backfills.c.until == windows.text(min(until, now)))
    if found := ledger.rows(query.order_by(backfills.c.backfill_id.desc()).limit(1)):
        return found[0]
    about = {
        "source": spec.name,
        "table_name": name,
        "since": windows.text(since),
        "until": windows.text(min(until or now, now)),
        "reached": windows.text(since),
        "rows": 0,
        "began_at": now,
        "ended_at": None,
    }
    with ledger.transaction() as connection:
        made = connection.execute(insert(backfills).values(**about)).inserted_primary_key
        assert made is not None  # it is counted up
        return about | {"backfill_id": made[0]}


def _windows(spec: Source, name: str, about: dict[str, Any]) -> Iterator[tuple[datetime, datetime]]:
    """What is left of it; a border is in both of its windows."""
    step = spec.tables[name].span or _STEP
    low, until = datetime.fromisoformat(about["reached"]), datetime.fromisoformat(about["until"])
    while True:
        high = min(low + step, until)
        yield low, high
        if high >= until:
            return
        low = high


def _reached(about: dict[str, Any], high: datetime, rows: int) -> None:
    is_done = windows.text(high) >= about["until"]
    with ledger.transaction() as connection:
        connection.execute(
            update(backfills)
            .where(backfills.c.backfill_id == about["backfill_id"])
            .values(
                reached=windows.text(high),
                rows=backfills.c.rows + rows,
                ended_at=clock.now() if is_done else None,
            )
        )


def _add(together: LoadResult, one: LoadResult) -> None:
    together.rows += one.rows
    together.deleted += one.deleted
    together.bytes += one.bytes
    together.seconds = round(together.seconds + one.seconds, 3)
    together.load_id = one.load_id if one.rows or together.load_id is None else together.load_id
    together.resumed = together.resumed or one.resumed
    together.warnings += one.warnings
    together.errors += one.errors
    if one.errors and not together.rows:
        together.state = "failed"
    elif together.rows:
        together.state = "committed"
