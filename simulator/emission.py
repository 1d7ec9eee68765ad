"""When does each record become visible in its source, and which records are mended or corrected afterwards?"""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulator import defects, fault_kinds, together, workdays
from simulator.carriers import LIVE, NATIONAL, NIGHTLY, PAPER, PLATFORM, PROVINCIAL, TOWN, VILLAGE
from simulator.cases import BJ, NONE, ONLINE, SB, SLOTS, WSYSL, Flags, Plan
from simulator.draws import HOUR, MINUTE, Draws, spread_out
from simulator.items import Catalogue
from simulator.workdays import DAY, Seconds

SPREADSHEETS_FROM = workdays.day_number(date(2017, 6, 1))
LATE_SHARE = 0.006
CORRECTED_SHARE = 0.014
# Corrections of records: what the first version had wrong. The order is the number in the plan's `fix`.
FIXES = ("mobile", "mobile_back", "channel", "item_name", "licence_no", "result")
MOBILE, MOBILE_BACK, CHANNEL, ITEM_NAME, LICENCE_NO, RESULT = range(len(FIXES))


def drop_seconds(unit: NDArray[np.int64]) -> Seconds:
    """The time of day at which a town puts its file into the folder: 17:30 and up to 25 minutes."""
    return workdays.EVENING + (unit * 7 % 25) * MINUTE


def next_drop(times: Seconds, unit: NDArray[np.int64]) -> Seconds:
    """The first drop of the unit's file at or after each time."""
    day = workdays.next_working_day(times // DAY)
    drop = day * DAY + drop_seconds(unit)
    following = workdays.next_working_day(day + 1) * DAY + drop_seconds(unit)
    return np.where(drop >= times, drop, following)


_FRIDAY = 4
_NIGHT = {NATIONAL: 1 * HOUR + 30 * MINUTE, PROVINCIAL: 2 * HOUR + 10 * MINUTE}


def next_week(times: Seconds, unit: NDArray[np.int64]) -> Seconds:
    """The first Friday's drop of the villages' workbooks (17:10 and up to 15 minutes) at or after each time."""
    drop_at = 17 * HOUR + 10 * MINUTE + (unit * 5 % 15) * MINUTE
    day = times // DAY
    drop = (day + (_FRIDAY - (day + 3)) % 7) * DAY + drop_at
    return np.where(drop >= times, drop, drop + 7 * DAY)


def next_night(times: Seconds, source: int) -> Seconds:
    """When the files of the night that follows each time are handed down."""
    return (times // DAY + 1) * DAY + _NIGHT[source]


def handed_on(times: Seconds, source: NDArray[np.int64], unit: NDArray[np.int64]) -> Seconds:
    """When what is written down at each time can be seen: at once in a database, else with the next file."""
    seen = times.copy()
    for number, following in ((TOWN, next_drop), (VILLAGE, next_week)):
        mine = source == number
        seen[mine] = following(times[mine], unit[mine])
    for number in NIGHTLY:
        mine = source == number
        seen[mine] = next_night(times[mine], number)
    return seen


def emit(plan: Plan, draws: Draws, catalogue: Catalogue, defect_rate: float, campaign: int) -> None:
    """Add to the plan: `seen` (times of visibility), late rows, `defect`, `mend_at`, `fix`, `fix_at`, `fix2_at`,
    `speaks_from` (when a fault between cases shows).

    `campaign` is the moment (local seconds) after which the city mends a batch of older faults.
    """
    at, row = plan["at"], plan["draw_row"]
    source = plan["source"]
    paper = np.isin(source, PAPER)
    at[paper] = np.where(
        at[paper] == NONE, NONE, at[paper] // MINUTE * MINUTE
    )  # spreadsheets know minutes only
    plan["defect"] = defects.plant(plan, draws, catalogue, defect_rate)
    unit = catalogue.unit[plan["item"]]
    clean = plan["defect"] == NONE
    late = clean & ~paper & (draws["late"][row] < LATE_SHARE)
    late_slot = (draws["late_slot"][row] * len(SLOTS)).astype(np.int64)
    late_by = (2 * HOUR + draws["late_hours"][row] * 28 * HOUR).astype(np.int64)
    seen = np.full_like(at, NONE)
    latest = np.zeros(len(row), dtype=np.int64)
    for slot in range(len(SLOTS)):
        there = at[:, slot] != NONE
        lag = 5 + np.minimum(-np.log1p(-draws.lag(slot)[row]) * 50, 540).astype(np.int64)
        visible = at[:, slot] + lag + np.where(late & (slot >= late_slot), late_by, 0)
        if slot == SB:
            visible = spread_out(visible, unit, 1)
        visible[paper] = np.maximum(at[paper, slot], at[paper, SB])
        visible = np.where(there, handed_on(np.where(there, visible, at[:, SB]), source, unit), NONE)
        latest = np.where(there, np.maximum(latest, visible), latest)
        seen[:, slot] = np.where(there, latest, NONE)
    _late_rows(plan, draws, np.isin(source, LIVE))
    mended = defects.mend_times(plan, plan["defect"], draws, seen, campaign)
    plan["mend_at"] = np.where(mended == NONE, NONE, handed_on(np.maximum(mended, at[:, SB]), source, unit))
    for number, kind in enumerate(fault_kinds.KINDS):
        for slot in kind.gap:
            mine = (plan["defect"] == number) & (seen[:, slot] != NONE)
            # A stage that came late still comes no earlier than it would have.
            again = np.where(plan["mend_at"] == NONE, NONE, np.maximum(plan["mend_at"], seen[:, slot]))
            seen[mine, slot] = again[mine]
    plan["seen"] = seen
    plan["speaks_from"] = together.speaks_from(plan)
    _correct(plan, draws, clean, unit, campaign)
    last = np.maximum(seen.max(axis=1), plan["mend_at"])
    for name in ("fix_at", "fix2_at"):
        last = np.maximum(last, plan[name])
    plan["last_seen"] = np.maximum(last, at.max(axis=1))


def _late_rows(plan: Plan, draws: Draws, may: Flags) -> None:
    """One row in fifty carries a write time a few minutes before the moment at which it can be read."""
    draw = draws["late_row"][plan["draw_row"]]
    is_late = may & (draw < 0.1)
    plan["early_slot"] = np.where(is_late, (draw * 1_000).astype(np.int64) % len(SLOTS), NONE)
    plan["early_seconds"] = np.where(is_late, 60 + (draw * 4_800).astype(np.int64), 0)


def _correct(plan: Plan, draws: Draws, clean: Flags, unit: NDArray[np.int64], campaign: int) -> None:
    row, seen, source = plan["draw_row"], plan["seen"], plan["source"]
    at_sb = plan["at"][:, SB]
    draw = draws["fix_kind"][row]
    wanted = clean & (draws["fix"][row] < CORRECTED_SHARE)
    fix = np.where(draw < 0.35, MOBILE, np.where(draw < 0.45, MOBILE_BACK, NONE))
    online = (plan["channel"] == ONLINE) & (seen[:, WSYSL] != NONE) & (source == PLATFORM)
    fix = np.where((draw >= 0.45) & (draw < 0.6) & online, CHANNEL, fix)
    fix = np.where((draw >= 0.6) & (draw < 0.75) & (source == PLATFORM), ITEM_NAME, fix)
    issued = (plan["result"] == 0) & ~np.isin(source, PAPER) & (seen[:, BJ] != NONE)
    fix = np.where((draw >= 0.75) & (draw < 0.9) & issued, LICENCE_NO, fix)
    fix = np.where((draw >= 0.9) & issued & ~plan["is_refused"], RESULT, fix)
    fix = np.where((fix == NONE) | ((source != PLATFORM) & (fix == MOBILE_BACK)), MOBILE, fix)
    fix = np.where(wanted, fix, NONE)
    slot = np.where(np.isin(fix, (LICENCE_NO, RESULT)), BJ, SB)
    start = seen[np.arange(len(row)), slot]
    wait = draws["fix_wait"][row]
    soon = start + HOUR + (-np.log1p(-wait) * 60 * HOUR).astype(np.int64)
    campaigned = np.maximum(start + HOUR, campaign + (wait * 48 * HOUR).astype(np.int64))
    moment = np.where(wait > 0.93, campaigned, soon)
    paper = np.isin(source, PAPER)
    moment[paper] = np.maximum(moment[paper], at_sb[paper])
    moment = handed_on(np.where(fix != NONE, moment, at_sb), source, unit)
    plan["fix"] = fix
    plan["fix_at"] = np.where(fix != NONE, moment, NONE)
    plan["fix2_at"] = np.where(fix == MOBILE_BACK, moment + 7 * HOUR, NONE)
