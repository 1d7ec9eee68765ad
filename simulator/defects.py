"""Which cases carry a planted fault, and when is it mended?"""

import numpy as np
from numpy.typing import NDArray

from simulator import together
from simulator.carriers import PAPER
from simulator.cases import BJ, LQDJ, NONE, WINDOW, Plan
from simulator.draws import HOUR, Draws
from simulator.fault_kinds import KINDS, NUMBER
from simulator.items import Catalogue
from simulator.workdays import DAY


def plant(plan: Plan, draws: Draws, catalogue: Catalogue, rate: float) -> NDArray[np.int64]:
    """Choose the kind of each case's fault (NONE for nearly all); change the plan where the plan itself is wrong."""
    kind = np.full(len(plan["day"]), NONE, dtype=np.int64)
    row = plan["draw_row"]
    # Cases of a forwarded chain stay sound, so that the chain can be followed.
    sound = (plan["origin_id"] == NONE) & (plan["result"] != 4) & (plan["together"] == together.NOBODY)
    for shared, name in ((together.TWICE, "same_applicant_twice_a_day"), (together.BULK, "entered_in_bulk")):
        kind[plan["together"] == shared] = NUMBER[name]
    chosen = np.flatnonzero(sound & (draws["defect"][row] < rate))
    if not len(chosen):
        return kind
    small = {name: values[chosen] for name, values in plan.items()}
    draw = draws["kind"][row][chosen]
    best = np.zeros(len(chosen))
    for number, each in enumerate(KINDS):
        ticket = np.modf(draw * 7_919.0 * (number + 1) + 0.37 * number)[0]
        score = np.power(ticket, 1.0 / each.rarity)
        may = each.eligible(small, catalogue) & np.isin(small["source"], each.sources)
        better = may & (score > best)
        kind[chosen[better]] = number
        best = np.where(better, score, best)
    _change_plan(plan, kind, catalogue)
    return kind


def _change_plan(plan: Plan, kind: NDArray[np.int64], catalogue: Catalogue) -> None:
    abolished = kind == NUMBER["item_abolished"]
    for case in np.flatnonzero(abolished):
        gone = catalogue.abolished[catalogue.item_to[catalogue.abolished] <= plan["day"][case]]
        if len(gone):
            plan["item"][case] = gone[case % len(gone)]
        else:
            kind[case] = NONE
    visited = kind == NUMBER["declared_full_online_yet_visited"]
    plan["supplement_online"][visited] = 0
    plan["collection"][visited] = WINDOW
    slow = kind == NUMBER["immediate_item_takes_days"]
    for slot in (BJ, LQDJ):
        plan["at"][slow, slot] += np.where(plan["at"][slow, slot] == NONE, 0, 2 * DAY)


def mend_times(
    plan: Plan, kind: NDArray[np.int64], draws: Draws, seen: NDArray[np.int64], campaign: int
) -> NDArray[np.int64]:
    """When each planted fault is mended (NONE: never): some within two days, some in the day after `campaign`."""
    row = plan["draw_row"]
    slots = np.array([each.slot for each in KINDS])[kind]
    start = seen[np.arange(len(kind)), slots]
    draw, wait = draws["mend"][row], draws["mend_wait"][row]
    may = (kind != NONE) & np.array([each.is_mended for each in KINDS])[kind]
    may &= ~np.isin(plan["source"], PAPER)
    soon = start + (2 * HOUR + wait * 40 * HOUR).astype(np.int64)
    later = np.maximum(start + HOUR, campaign + (wait * 24 * HOUR).astype(np.int64))
    times: NDArray[np.int64] = np.where(draw < 0.2, soon, np.where(draw < 0.4, later, NONE))
    return np.where(may, times, NONE)
