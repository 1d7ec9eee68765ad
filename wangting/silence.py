"""Silent sources: a system that says nothing has no records that could be late, so it is an indicator of its own."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from wangting import ledger, working_time
from wangting.site import current_site


@dataclass(frozen=True)
class Silence:
    """How long a source has been silent.

    Attributes:
        last_arrival_at: when rows last came from it (naive, local); None: never.
        working_hours: office hours since then, or since the house's first load of anything where it never spoke; None:
            nothing was ever loaded.
        limit_hours: from how many on it counts as silent.
        since: the moment that these hours are counted from.
    """

    source: str
    title: str
    owner: str
    last_arrival_at: datetime | None
    working_hours: float | None
    limit_hours: int
    since: datetime | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it has been silent for longer than it may."""
        return self.working_hours is not None and self.working_hours > self.limit_hours


def silences(as_of: datetime) -> list[Silence]:
    """Every source of the site, in the order of its folders."""
    loads = ledger.loads
    found = ledger.rows(
        select(loads.c.source, func.max(loads.c.loaded_at).label("at"))
        .where(loads.c.state == "committed", loads.c.loaded_at <= as_of)
        .group_by(loads.c.source)
    )
    arrivals = {row["source"]: row["at"] for row in found}
    began = ledger.rows(
        select(func.min(loads.c.loaded_at).label("at")).where(
            loads.c.state == "committed", loads.c.loaded_at <= as_of
        )
    )[0]["at"]
    shown = []
    for source in current_site().sources:
        at = arrivals.get(source.name)
        since = at or began
        hours = None if since is None else round(working_time.hours(since, as_of), 2)
        shown.append(Silence(source.name, source.title, source.owner, at, hours, source.silent_hours, since))
    return shown
