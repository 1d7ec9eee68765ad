"""Which cases share what no two of a real city would: many of one unit entered in one and the same second, and one
person who applies twice on a day for one item?

Both faults lie between cases, so they are laid down when a day is drawn, from the day's own number and size alone.
"""

import numpy as np
from numpy.typing import NDArray

from simulator import workdays
from simulator.carriers import PLATFORM
from simulator.cases import NONE, SB, WINDOW, Flags, Plan
from simulator.draws import Day
from simulator.items import Catalogue
from simulator.workdays import DAY, Seconds

NOBODY, TWICE, BULK = 0, 1, 2
# As many as the specification takes for bulk entry; the province's own number.
BULK_CASES = 10
_MONDAY, _WEDNESDAY = 0, 2
_WEEKS = {BULK: 16, TWICE: 5}  # one week in so many has such a day
_AT_NOON = 12 * 3600 + 1_800  # nobody is at a window then


def lay(plan: Plan, days: list[Day], catalogue: Catalogue, until: Flags) -> None:
    """Add `together` (what a case shares) and `group` to the plan, and make the cases of a group alike.

    Args:
        plan: the cases of these days, follow-ups not yet; items, channels, sources and applicants are changed.
        until: which of the cases may be taken: applied for at a window on the day itself, and not passed on.
    """
    count = len(plan["day"])
    plan["together"], plan["group"] = np.zeros(count, dtype=np.int64), np.full(count, NONE, dtype=np.int64)
    pool = np.flatnonzero(
        catalogue.is_stable
        & (catalogue.carrier == PLATFORM)
        & (catalogue.level < 2)
        & ~catalogue.is_immediate
    )
    first = 0
    for day in days:
        mine = first + np.flatnonzero(until[first : first + day.count])
        first += day.count
        kind = _kind(day.number)
        if kind == NOBODY:
            continue
        size = BULK_CASES + day.number % 3 if kind == BULK else 2
        groups = 1 + day.count // (400 if kind == BULK else 150)
        for number in range(groups):
            cases, mine = mine[-size:], mine[:-size]
            if len(cases) < size:
                break
            plan["together"][cases] = kind
            plan["group"][cases] = day.number * 1_000 + number
            plan["item"][cases] = pool[(day.number * 31 + number * 17) % len(pool)]
            plan["channel"][cases], plan["source"][cases] = WINDOW, PLATFORM
            if kind == TWICE:
                for name in ("applicant", "pid", "eid"):
                    plan[name][cases] = plan[name][cases[0]]


def _kind(day: int) -> int:
    weekday, week = (day + 3) % 7, (day + 3) // 7
    if not workdays.is_working(np.array([day]))[0]:
        return NOBODY
    for kind, on in ((BULK, _MONDAY), (TWICE, _WEDNESDAY)):
        if weekday == on and week % _WEEKS[kind] == 1:
            return kind
    return NOBODY


def enter_at_once(plan: Plan, applied: Seconds, unit: NDArray[np.int64]) -> Seconds:
    """The times of application with those of each bulk in one second, in which its unit has no other case."""
    bulk = plan["together"] == BULK
    second = plan["day"] * DAY + _AT_NOON + plan["group"] % 1_000
    taken = set(zip(unit[bulk].tolist(), second[bulk].tolist(), strict=True))
    moved = applied.copy()
    for case in np.flatnonzero(~bulk & np.isin(applied, second[bulk])):
        while (int(unit[case]), int(moved[case])) in taken:
            moved[case] += 1
    return np.where(bulk, second, moved)


def speaks_from(plan: Plan) -> Seconds:
    """When so many of a group can be seen that the rule speaks on all of them; NONE for the cases of no group."""
    answer = np.full(len(plan["day"]), NONE, dtype=np.int64)
    seen = plan["seen"][:, SB]
    for group in np.unique(plan["group"][plan["together"] != NOBODY]):
        cases = np.flatnonzero((plan["group"] == group) & (plan["together"] != NOBODY))
        needed = BULK_CASES if plan["together"][cases[0]] == BULK else 2
        answer[cases] = np.sort(seen[cases])[needed - 1]
    return answer
