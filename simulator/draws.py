"""Where does chance come from? Uniform numbers by (seed, day) and name, and what is derived from them alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.workdays import Seconds

MINUTE, HOUR = 60, 3600
STAGES = 14  # of a case; each has a draw for the delay of its record

_DRAWS = tuple(
    "item hour second channel applicant contact pre pre_wait sup sup_wait sup_place refuse refuse_bj accept_wait"  # noqa: SIM905
    " duration spread1 spread2 spread3 tb tb_kind tb_wait tb_end sup2 sup2_wait sup2_place never result denied"
    " collect collect_wait collect_way collect_where late late_slot late_hours late_row source defect kind mend"
    " mend_wait fix fix_kind fix_wait town_fix resend".split()
)


@dataclass(frozen=True)
class Day:
    """How many cases one day brings: until 18:00, after it, and how many of them are passed on to another unit."""

    number: int
    until_evening: int
    evening: int
    forwarded: int

    @property
    def count(self) -> int:
        """All cases that are applied for on the day itself."""
        return self.until_evening + self.evening


class Draws:
    """Uniform numbers in [0, 1) by name; stacked over the days of a chunk."""

    def __init__(self, seed: int, days: list[Day]) -> None:
        width = len(_DRAWS) + STAGES
        blocks = [
            np.random.default_rng([seed, 2, day.number]).random((width, day.count), np.float32)
            for day in days
        ]
        self._values = np.concatenate(blocks, axis=1) if blocks else np.zeros((width, 0), np.float32)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        values: NDArray[np.float64] = self._values[_DRAWS.index(name)].astype(np.float64)
        return values

    def lag(self, slot: int) -> NDArray[np.float64]:
        """The draw for the delay of a stage's record."""
        values: NDArray[np.float64] = self._values[len(_DRAWS) + slot].astype(np.float64)
        return values


def exponential(draw: NDArray[np.float64], mean: float, cap: float) -> Seconds:
    return np.minimum(-np.log1p(-draw) * mean, cap).astype(np.int64)


def ranks(keys: list[NDArray[Any]]) -> NDArray[np.int64]:
    """For each row its place (from 0) among the rows with the same keys but the last, ordered by the last."""
    order = np.lexsort([keys[-1], *keys[:-1]])
    starts = np.ones(len(order), dtype=bool)
    if len(order):
        same = np.ones(len(order) - 1, dtype=bool)
        for key in keys[:-1]:
            same &= key[order][1:] == key[order][:-1]
        starts[1:] = ~same
    positions = np.arange(len(order))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = positions - np.maximum.accumulate(np.where(starts, positions, 0))
    return ranks


def spread_out(times: Seconds, unit: NDArray[np.int64], step: int) -> Seconds:
    """Move times by seconds until no unit has more than two in the same second: bulk entry is a fault of its own."""
    times = times.copy()
    while True:
        rank = ranks([unit, times, np.arange(len(times))])
        crowded = rank >= 2
        if not crowded.any():
            return times
        times[crowded] += step * (rank[crowded] // 2)
