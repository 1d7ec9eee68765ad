"""The 12-hour clock: when a record's began, when it is due, and who is on time."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, case, exists, func, not_, select

from wangting import ledger

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
    """The duty as of a moment (naive, local)."""
    o, later = ledger.outbox, ledger.outbox.alias("later")
    is_counted_as_later_version = and_(
        o.c.state == "REJECTED",
        exists().where(
            later.c.record == o.c.record, later.c.record_key == o.c.record_key, later.c.version > o.c.version
        ),
    )
    is_record = and_(o.c.state != "SUPERSEDED", not_(is_counted_as_later_version))
    live = and_(is_record, o.c.is_backfill.is_(False))
    due = and_(live, o.c.due_at <= as_of)
    waits = and_(live, o.c.due_at > as_of)
    acked = o.c.state == "ACK"
    on_time = and_(due, acked, o.c.acked_at <= o.c.due_at)

    def count(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    row = ledger.rows(
        select(
            count(due).label("due"),
            count(on_time).label("on_time"),
            count(and_(due, acked, o.c.acked_at > o.c.due_at)).label("late_acknowledged"),
            count(and_(due, not_(acked))).label("late_unsent"),
            count(waits).label("not_due"),
            count(and_(waits, acked)).label("not_due_acknowledged"),
            count(and_(live, o.c.due_at.is_(None))).label("without_clock"),
            count(and_(is_record, o.c.is_backfill.is_(True))).label("backfill"),
        )
    )[0]
    return OnTime(**{name: int(value) for name, value in row.items()})


def is_late(clock_due: datetime | None, acked_at: datetime | None, as_of: datetime) -> bool:
    """Whether one record is late as of a moment."""
    return clock_due is not None and (acked_at > clock_due if acked_at else clock_due <= as_of)


def nearest(as_of: datetime, within: timedelta = timedelta(hours=4)) -> int:
    """How many live records that are not acknowledged yet become late within a span (the warning at 8 hours)."""
    o = ledger.outbox
    return int(
        ledger.rows(
            select(func.count().label("n")).where(
                o.c.is_backfill.is_(False),
                o.c.state.not_in(["ACK", "SUPERSEDED"]),
                and_(o.c.due_at > as_of, o.c.due_at <= as_of + within),
            )
        )[0]["n"]
    )
