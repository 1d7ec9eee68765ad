"""The duty at a glance, for the status screen: alarms, receivers, time left, and who is on time by system.

Counted on ranges of indexes and on the sums of final rows; the 12-hour ledger (`exchange.timeliness`) says the same in
full.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, exists, func, not_, select, text

from exchange import breaker
from wangting import alarms, clock, ledger
from wangting.site import current_site

_HOURS = (1, 2, 4, 12)


def at_a_glance() -> dict[str, Any]:
    """alarms (open), receivers (that were ever away), hours_left (within_1, …), by_system (due, on_time, share)."""
    now = clock.now()
    return {
        "alarms": alarms.open_alarms(),
        "receivers": breaker.shown(),
        "hours_left": _hours_left(now),
        "by_system": _by_system(now),
    }


def _sum(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _continued() -> Any:
    """A rejected version that has another after it: both are one record."""
    o, later = ledger.outbox, ledger.outbox.alias("later")
    return and_(
        o.c.state == "REJECTED",
        exists().where(
            later.c.record == o.c.record, later.c.record_key == o.c.record_key, later.c.version > o.c.version
        ),
    )


def _hours_left(now: datetime) -> dict[str, int]:
    o = ledger.outbox
    within = [_sum(o.c.due_at <= now + timedelta(hours=hours)).label(f"within_{hours}") for hours in _HOURS]
    soon = (text(ledger.OPEN_LIVE), o.c.due_at > now, o.c.due_at <= now + timedelta(hours=max(_HOURS)))
    found = ledger.rows(select(*within).select_from(o).where(*soon, not_(_continued())))[0]
    return {name: int(count) for name, count in found.items()}


def _by_system(now: datetime) -> list[dict[str, Any]]:
    o, f = ledger.outbox, ledger.final_days
    counts: dict[str, list[int]] = {}
    on_time = and_(o.c.state == "ACK", o.c.acked_at <= o.c.due_at)
    for condition in (ledger.OPEN_LIVE, ledger.ACKED_LIVE):
        query = select(o.c.source, func.count().label("due"), _sum(on_time).label("on_time"))
        for row in ledger.rows(
            query.where(text(condition), o.c.due_at <= now, not_(_continued())).group_by(o.c.source)
        ):
            _add(counts, row["source"], int(row["due"]), int(row["on_time"]))
    final = select(
        f.c.source, func.sum(f.c.on_time + f.c.late).label("due"), func.sum(f.c.on_time).label("on_time")
    )
    for row in ledger.rows(final.where(f.c.is_backfill.is_(False)).group_by(f.c.source)):
        _add(counts, row["source"], int(row["due"] or 0), int(row["on_time"] or 0))
    return [
        {
            "source": source.name,
            "title": source.title,
            "due": counts[source.name][0],
            "on_time": counts[source.name][1],
            "share": counts[source.name][1] / counts[source.name][0] if counts[source.name][0] else None,
        }
        for source in current_site().sources
        if source.name in counts
    ]


def _add(counts: dict[str, list[int]], source: str, due: int, on_time: int) -> None:
    known = counts.setdefault(source, [0, 0])
    known[0] += due
    known[1] += on_time
