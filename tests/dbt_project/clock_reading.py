"""The statutory clock by another reading: day after day, with the calendar of another package; nothing of the models.

A case is accepted on a day; from the next day on every day of the limit's unit counts, unless the clock stands on it.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import chinese_calendar

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Suspension:
    """What stops a clock: kind (supplement, A, B), when it began, when it ended (None: not yet), its own limit."""

    kind: str
    started: datetime
    ended: datetime | None = None
    limit: int | None = None
    unit: str | None = None
    refused: bool = False


@dataclass(frozen=True)
class Clock:
    """A case's clock: acceptance, limit (days) and unit (G working, Z natural), closing, suspensions."""

    accepted: datetime
    limit: int
    unit: str = "G"
    closed: datetime | None = None
    suspensions: list[Suspension] = field(default_factory=list)


def counts(day: date, unit: str) -> bool:
    """Whether a day is one of the unit."""
    return unit == "Z" or chinese_calendar.is_workday(day)


def standing(clock: Clock, day: date, as_of: datetime) -> tuple[bool, bool]:
    """Whether the clock stands on a day, by what is known at `as_of`; and whether nobody knows until when."""
    stands = open_ended = False
    closed = clock.closed if clock.closed is not None and clock.closed <= as_of else None
    for one in clock.suspensions:
        if one.started > as_of or (clock.closed is not None and one.started > clock.closed):
            continue
        if one.kind == "supplement" and one.started < clock.accepted:
            continue
        if one.ended is not None and one.ended < one.started:
            continue
        ended = one.ended if one.ended is not None and one.ended <= as_of else None
        if one.refused and ended is not None:
            continue
        ends = min((moment.date() for moment in (ended, closed) if moment is not None), default=None)
        has_limit = one.kind != "supplement" and one.limit is not None and one.unit is not None
        if has_limit and one.kind == "B" and one.limit == 0:
            has_limit = False
        if day < one.started.date() or (ends is not None and day > ends):
            continue
        if has_limit:
            # Which of the suspension's own days is this one? Beyond its limit the case's clock runs.
            used = sum(
                counts(one.started.date() + n * DAY, one.unit) for n in range((day - one.started.date()).days)
            )
            if used >= one.limit:
                continue
        stands = True
        if ends is None and not has_limit:
            open_ended = True
    return stands, open_ended


def due(clock: Clock, as_of: datetime, beyond: int = 0) -> date | None:
    """The day on which the limit (and `beyond` days more) is used up; None while nobody can know."""
    day, counted = clock.accepted.date(), 0
    while True:
        day += DAY
        stands, open_ended = standing(clock, day, as_of)
        if open_ended:
            return None
        if counts(day, clock.unit) and not stands:
            counted += 1
            if counted == clock.limit + beyond:
                return day


def passed(clock: Clock, until: date, as_of: datetime, unit: str | None = None) -> int:
    """How many days have counted up to a day, itself included."""
    unit = unit or clock.unit
    days = (until - clock.accepted.date()).days
    return sum(
        counts(day, unit) and not standing(clock, day, as_of)[0]
        for day in (clock.accepted.date() + n * DAY for n in range(1, days + 1))
    )
