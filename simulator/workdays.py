"""Which days does the city work, and where does a duration of working time end?

The days are facts: the State Council's holiday notices for 2016–2018, with the days of December 2018 that only
the notice of 2019 fixes. A time is a count of seconds since 1970-01-01 00:00 of local time, without a zone.
"""

from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.int64]

FIRST = date(2016, 1, 1)
LAST = date(2018, 12, 31)
DAY = 86_400
EPOCH = date(1970, 1, 1)

# Spans are inclusive, month-day. Off: holidays on what would be working days or weekends; on: make-up days.
_OFF = {
    2016: [
        "01-01 01-01",
        "02-07 02-13",
        "04-04 04-04",
        "05-01 05-02",
        "06-09 06-11",
        "09-15 09-17",
        "10-01 10-07",
    ],
    2017: ["01-01 01-02", "01-27 02-02", "04-02 04-04", "05-01 05-01", "05-28 05-30", "10-01 10-08"],
    2018: [
        "01-01 01-01",
        "02-15 02-21",
        "04-05 04-07",
        "04-29 05-01",
        "06-18 06-18",
        "09-24 09-24",
        "10-01 10-07",
        "12-30 12-31",
    ],
}
_ON = {
    2016: ["02-06", "02-14", "06-12", "09-18", "10-08", "10-09"],
    2017: ["01-22", "02-04", "04-01", "05-27", "09-30"],
    2018: ["02-11", "02-24", "04-08", "04-28", "09-29", "09-30", "12-29"],
}

MORNING, NOON, AFTERNOON, EVENING = 30_600, 43_200, 52_200, 63_000  # 8:30–12:00, 14:30–17:30
WORKING_SECONDS = (NOON - MORNING) + (EVENING - AFTERNOON)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def to_date(number: int) -> date:
    """The inverse of `day_number`."""
    return EPOCH + timedelta(days=int(number))


def to_seconds(moment: datetime) -> int:
    """Seconds since 1970-01-01 00:00 of the same (local) clock."""
    return int((moment - datetime(1970, 1, 1)).total_seconds())


def _working_flags() -> NDArray[np.bool_]:
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    off: set[date] = set()
    for year, spans in _OFF.items():
        for span in spans:
            start, end = (date.fromisoformat(f"{year}-{part}") for part in span.split())
            off.update(start + timedelta(days=n) for n in range((end - start).days + 1))
    on = {date.fromisoformat(f"{year}-{part}") for year, parts in _ON.items() for part in parts}
    return np.array([day in on or (day.weekday() < 5 and day not in off) for day in days])


_FIRST_NUMBER = day_number(FIRST)
_IS_WORKING = _working_flags()
_BEFORE = np.concatenate([[0], np.cumsum(_IS_WORKING)]).astype(np.int64)  # working days before each day
_WORKING_DAYS = (np.flatnonzero(_IS_WORKING) + _FIRST_NUMBER).astype(np.int64)


def is_working(days: Seconds) -> NDArray[np.bool_]:
    """Whether each day number is a working day; a day outside 2016–2018 is an IndexError."""
    return _IS_WORKING[days - _FIRST_NUMBER]


def next_working_day(days: Seconds) -> Seconds:
    """Each day itself when it is a working day, else the next one."""
    return _WORKING_DAYS[_BEFORE[days - _FIRST_NUMBER]]


def add_working_time(times: Seconds, seconds: Seconds) -> Seconds:
    """The moment at which `seconds` of working time have passed since each time; never before it."""
    days = times // DAY
    of_day = times - days * DAY
    done = np.clip(of_day - MORNING, 0, NOON - MORNING) + np.clip(of_day - AFTERNOON, 0, EVENING - AFTERNOON)
    index = days - _FIRST_NUMBER
    total = _BEFORE[index] * WORKING_SECONDS + np.where(_IS_WORKING[index], done, 0) + seconds
    rest = total % WORKING_SECONDS
    half = NOON - MORNING
    of_last = np.where(rest < half, MORNING + rest, AFTERNOON + rest - half)
    end: Seconds = _WORKING_DAYS[total // WORKING_SECONDS] * DAY + of_last
    return end
