"""What is a kind of fault, and which cases may carry one?

A value fault is the first version of one record with a wrong value; a mend is the next version with the right one.
A gap is a record that never comes (or, when mended, comes late); the rule then speaks on another record.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.carriers import PLATFORM
from simulator.cases import BJ, BJSL1, BJSL2, LQDJ, NONE, ONLINE, WINDOW, Flags, Plan
from simulator.items import Catalogue
from simulator.workdays import DAY

Eligible = Callable[[Plan, Catalogue], Flags]


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Args:
        name: its id in the truth files.
        record: the table of the record that carries it, as in `records`.
        slot: the stage whose visibility a mend follows.
        rules: the rule ids that must fire, the planted one first; none where the gate cannot see it.
        eligible: which cases of a plan may carry it.
        change: SQL assignments that spoil the first version of the record.
        where: narrows down the record where a table holds several of a case.
        gap: stages whose records are left out; `record` then is the one on which the rule speaks.
        sources: the sources whose cases may carry it.
        is_mended: whether some of them are mended later.
        rarity: higher is chosen first where a case could carry several.
        speaks_on: the table on whose record the rule speaks, where that is not the spoilt one.
        also: what else must fire on other records of the case: table → rule ids.
        together: the fault lies between several cases, which are chosen when the day is drawn; the rules speak once
            all of them can be seen.
        skips: the source's version number with which the record comes again, the numbers before it never.
    """

    name: str
    record: str
    slot: int
    rules: tuple[str, ...]
    eligible: Eligible
    change: str = ""
    where: str = "true"
    gap: tuple[int, ...] = ()
    sources: tuple[int, ...] = (PLATFORM,)
    is_mended: bool = True
    rarity: float = 1.0
    speaks_on: str = ""
    also: tuple[tuple[str, tuple[str, ...]], ...] = ()
    together: bool = False
    skips: int = 0

    @property
    def hit(self) -> str:
        """The table whose record the rule speaks on."""
        return self.speaks_on or self.record

    @property
    def gate_sees(self) -> bool:
        """Whether any rule of the specification speaks on it."""
        return bool(self.rules)


def has(*slots: int) -> Eligible:
    return lambda plan, _: np.all([plan["at"][:, slot] != NONE for slot in slots], axis=0)


def result(*codes: int, without: tuple[int, ...] = ()) -> Eligible:
    def eligible(plan: Plan, _: Catalogue) -> Flags:
        flags: Flags = np.isin(plan["result"], codes) & ~plan["is_refused"] & (plan["at"][:, BJ] != NONE)
        for slot in without:
            flags &= plan["at"][:, slot] == NONE
        return flags

    return eligible


def both(*conditions: Eligible) -> Eligible:
    return lambda plan, catalogue: np.all([each(plan, catalogue) for each in conditions], axis=0)


def column(name: str, *values: int) -> Eligible:
    return lambda plan, _: np.isin(plan[name], values)


def item(name: str) -> Eligible:
    return lambda plan, catalogue: getattr(catalogue, name)[plan["item"]]


def not_immediate(plan: Plan, catalogue: Catalogue) -> Flags:
    flags: Flags = ~catalogue.is_immediate[plan["item"]]
    return flags


def below_the_city(plan: Plan, catalogue: Catalogue) -> Flags:
    flags: Flags = catalogue.level[plan["item"]] > 0
    return flags


def full_online_with_visits(plan: Plan, catalogue: Catalogue) -> Flags:
    """Online, item declared 全流程, a supplement and a collection on two days."""
    at = plan["at"]
    handed = np.maximum(at[:, BJSL1], at[:, BJSL2])
    flags: Flags = (
        (plan["channel"] == ONLINE)
        & catalogue.is_full[plan["item"]]
        & (handed != NONE)
        & (at[:, LQDJ] != NONE)
        & (handed // DAY != at[:, LQDJ] // DAY)
    )
    return flags


def lacks(*slots: int) -> Eligible:
    return lambda plan, _: np.all([plan["at"][:, slot] == NONE for slot in slots], axis=0)


def not_at_a_window(plan: Plan, _: Catalogue) -> Flags:
    """Collected by post or online: when that was is no visit."""
    flags: Flags = plan["collection"] != WINDOW
    return flags


def handed_in_online(plan: Plan, _: Catalogue) -> Flags:
    flags: Flags = plan["supplement_online"] == 1
    return flags
