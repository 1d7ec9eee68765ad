"""The 12-hour clock: when a record's began, when it is due, and who is on time."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, select, text

from exchange import final_files, states
from wangting import engine, ledger

LIMIT = timedelta(hours=12)  # 「最晚不超过12小时」; exactly 12:00:00 is on time


def first_clock(business_time: datetime | None, written_at: datetime | None) -> datetime | None:
    """When the clock of a record that the province has never had begins; None: it has no usable business time.

    A time at midnight exactly is a date without a time: such a record's clock begins when its source wrote it.
    """
    if business_time is not None and business_time.time() == time.min and written_at is not None:
        return written_at
    return business_time


def corrected_clock(
    own: datetime | None, previous_state: str, previous: datetime | None, written_at: datetime | None
) -> datetime | None:
    """The clock of a new version.

    Args:
        own: what `first_clock` says of the new version.
        previous_state, previous: outbox state and clock of the version before it.
        written_at: when the source wrote the correction.
    """
    if previous_state == "ACK":
        return written_at or own
    if previous is not None and written_at is not None and previous > written_at:
        # It lay ahead even of its own correction: a slip, not the moment that it stood for.
        return own or previous
    return previous or own


@dataclass(frozen=True)
class OnTime:
    """The duty in figures, live records only; a version after a rejection and the rejected one are one record.

    Attributes:
        due: records whose 12 hours are over; the denominator.
        on_time: of those, acknowledged within 12 hours.
        late_acknowledged, late_unsent: of those, acknowledged later; not acknowledged yet (held and rejected too).
        not_due: their 12 hours still run. not_due_acknowledged: of those, acknowledged already.
        without_clock: no usable business time; a class of its own.
        backfill: from before the go-live, apart.
    """

    due: int
    on_time: int
    late_acknowledged: int
    late_unsent: int
    not_due: int
    not_due_acknowledged: int
    without_clock: int
    backfill: int

    @property
    def share(self) -> float | None:
        """on_time / due; None where nothing is due."""
        return self.on_time / self.due if self.due else None


def figures(as_of: datetime) -> OnTime:
    """The duty as of a moment (naive, local).

    Counted on the ledger's counters and on ranges of indexes, so that millions of open rows cost a part of a second.
    """
    o, later = ledger.outbox, ledger.outbox.alias("later")
    has_later_version = exists().where(
        later.c.record == o.c.record, later.c.record_key == o.c.record_key, later.c.version > o.c.version
    )
    open_live, acked_live = text(ledger.OPEN_LIVE), text(ledger.ACKED_LIVE)
    refused_live = and_(states.is_in("REJECTED"), o.c.is_backfill.is_(False), has_later_version)

    def count(*conditions: Any) -> Any:
        return select(func.count()).select_from(o).where(*conditions).scalar_subquery()

    is_due, waits = o.c.due_at <= as_of, o.c.due_at > as_of
    found = ledger.rows(
        select(
            count(open_live, is_due).label("open_due"),
            count(open_live, waits).label("open_waits"),
            count(open_live, o.c.due_at.is_(None)).label("open_without"),
            count(acked_live, is_due, o.c.acked_at <= o.c.due_at).label("acked_on_time"),
            count(acked_live, is_due, o.c.acked_at > o.c.due_at).label("acked_late"),
            count(acked_live, waits).label("acked_waits"),
            count(acked_live, o.c.due_at.is_(None)).label("acked_without"),
            # A rejected version and the one after it are one record.
            count(refused_live, is_due).label("refused_due"),
            count(refused_live, waits).label("refused_waits"),
            count(refused_live, o.c.due_at.is_(None)).label("refused_without"),
            count(states.is_in("REJECTED"), o.c.is_backfill.is_(True), has_later_version).label(
                "refused_old"
            ),
            select(func.coalesce(func.sum(ledger.outbox_counts.c.n), 0))
            .where(ledger.outbox_counts.c.is_backfill.is_(True), ledger.outbox_counts.c.state != "SUPERSEDED")
            .scalar_subquery()
            .label("old"),
        )
    )[0]
    known = {name: int(value) for name, value in found.items()}
    final = _final(as_of)
    late_unsent = known["open_due"] - known["refused_due"]
    on_time = known["acked_on_time"] + final["on_time"]
    late_acknowledged = known["acked_late"] + final["late"]
    return OnTime(
        due=late_unsent + on_time + late_acknowledged,
        on_time=on_time,
        late_acknowledged=late_acknowledged,
        late_unsent=late_unsent,
        not_due=known["open_waits"] - known["refused_waits"] + known["acked_waits"] + final["waits"],
        not_due_acknowledged=known["acked_waits"] + final["waits"],
        without_clock=known["open_without"]
        - known["refused_without"]
        + known["acked_without"]
        + final["without_clock"],
        backfill=known["old"] - known["refused_old"] + final["backfill"],
    )


def _final(as_of: datetime) -> dict[str, int]:
    """The acknowledged rows that are final: on_time, late, waits (not due as of then), without_clock, backfill."""
    c, f = ledger.final_counts, ledger.final_files
    live = and_(c.c.is_backfill.is_(False), c.c.state == "ACK")
    found = ledger.rows(
        select(
            func.sum(c.c.on_time).filter(live).label("on_time"),
            func.sum(c.c.late).filter(live).label("late"),
            func.sum(c.c.without_clock).filter(live).label("without_clock"),
            func.sum(c.c.n).filter(c.c.is_backfill.is_(True), c.c.state == "ACK").label("backfill"),
            select(func.max(f.c.latest_due_at)).scalar_subquery().label("latest"),
        )
    )[0]
    latest = found.pop("latest")
    counts = {name: int(value or 0) for name, value in found.items()} | {"waits": 0}
    if latest is None or latest <= as_of:  # the rule: what becomes final is due
        return counts
    with engine.connect() as work:
        rows = final_files.rows(
            work, final_files.now_there(), ["due_at", "acked_at"], where="state = 'ACK' and not is_backfill"
        )
        on_time, late, waits = work.execute(
            f"""
            select
                count(*) filter (due_at <= $as_of and acked_at <= due_at),
                count(*) filter (due_at <= $as_of and acked_at > due_at),
                count(*) filter (due_at > $as_of)
            from ({rows})
            """,
            {"as_of": as_of},
        ).fetchall()[0]
    return counts | {"on_time": on_time, "late": late, "waits": waits}


def is_late(clock_due: datetime | None, acked_at: datetime | None, as_of: datetime) -> bool:
    """Whether one record is late as of a moment."""
    return clock_due is not None and (acked_at > clock_due if acked_at else clock_due <= as_of)


def nearest(as_of: datetime, within: timedelta = timedelta(hours=4)) -> int:
    """How many live records that are not acknowledged yet become late within a span (the warning at 8 hours)."""
    o = ledger.outbox
    query = select(func.count().label("n")).where(
        text(ledger.OPEN_LIVE), o.c.due_at > as_of, o.c.due_at <= as_of + within
    )
    return int(ledger.rows(query.select_from(o))[0]["n"])
