"""Working hours: the city's office hours on the days that the State Council's notices make working days."""

import csv
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from wangting import settings

# The office hours of the city's halls: morning and afternoon.
OFFICE = ((time(8, 30), time(12)), (time(14, 30), time(17, 30)))
_SEED = settings.REPOSITORY / "dbt_project" / "seeds" / "product" / "holiday_spans.csv"


@lru_cache(maxsize=1)
def _notices() -> list[tuple[date, date, bool]]:
    """Spans (first day, last day, whether they are worked) that differ from Monday to Friday."""
    with _SEED.open(encoding="utf-8", newline="") as lines:
        return [
            (
                date.fromisoformat(row["starts_on"]),
                date.fromisoformat(row["ends_on"]),
                row["is_working_day"] == "true",
            )
            for row in csv.DictReader(lines)
        ]


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> bool:
    """Whether offices are open; where no notice speaks of the day, Monday to Friday."""
    for first, last, is_worked in _notices():
        if first <= day <= last:
            return is_worked
    return day.weekday() < 5


def hours(since: datetime, until: datetime) -> float:
    """Office hours between two moments (naive, local); 0 where the second is not later."""
    seconds, day = 0.0, since.date()
    while day <= until.date():
        if is_working_day(day):
            for opens, closes in OFFICE:
                begins = max(since, datetime.combine(day, opens))
                ends = min(until, datetime.combine(day, closes))
                seconds += max((ends - begins).total_seconds(), 0.0)
        day += timedelta(days=1)
    return seconds / 3600
