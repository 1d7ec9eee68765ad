"""The marts as they would have been at a past moment, or with the departments of another day: the same models, built
once over the loads that had landed by then, into a file of their own that is kept for the next question."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from wangting import clock, ledger, locks
from wangting.dbt_assembly import Assembly, assemble, lane_file
from wangting.errors import WangtingError
from wangting.landed import Landed, landed
from wangting.site import Site, current_site

KEPT = 6  # files; a question is mostly asked again within the day, and each is as large as a release
_LANE: Final = "warehouse"


@dataclass(frozen=True)
class Past:
    """A state of the marts that is not the current one.

    Attributes:
        file: its database file, to be read only; it may be gone after some other questions.
        as_of: the moment that the models took for now.
        units_on: the day by whose departments and regions every period is reported; None: each by its own.
        loads: how many loads had landed.
        is_new: whether this call built it.
    """

    file: Path
    as_of: datetime
    units_on: date | None
    loads: int
    is_new: bool

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


def marts_as_of(moment: datetime | None = None, *, units_on: date | None = None) -> Past:
    """The marts over every load with `_loaded_at` ≤ `moment`; None: over what the last passed build had.

    Definitions, seeds and code are today's: what differs from the present is what was known, not how it is counted.

    Args:
        moment: naive, in the site's zone.
        units_on: report every period by the departments and regions of this day.

    Raises:
        WangtingError: the moment lies ahead or before the first load, nothing has been built yet, another process is
            building a past state, or a model failed.
    """
    site = current_site()
    site.check()
    if moment is not None and moment > clock.now():
        raise WangtingError(f"{moment} 还没有到", place="--known-at", mend="写一个过去的时刻")
    up_to = None
    if moment is None:
        marks = ledger.rows(select(ledger.lanes).where(ledger.lanes.c.lane == _LANE))
        if not marks:
            raise WangtingError("还没有构建过数据仓库", place=_LANE, mend="先运行 wangting build")
        moment, up_to = marks[0]["built_at"], int(marks[0]["built_seq"])
    loads = _loads(site, moment if up_to is None else None, up_to)
    if not loads:
        raise WangtingError(
            f"到 {moment} 为止还没有任何数据到达", place="--known-at", mend="写一个更晚的时刻"
        )
    with locks.writer("aside", wait=600):
        assembly = assemble(_LANE, site, aside=True)
        folder = lane_file(_LANE, aside=True).parent
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{ledger.stamp(moment)}-{_key(assembly, loads, moment, units_on)}.duckdb"
        is_new = not file.is_file()
        if is_new:
            _build(site, assembly, loads, moment, units_on, file)
        file.touch()
        kept = sorted(folder.glob("*T*-*.duckdb"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in kept[KEPT:]:
            old.unlink()
    return Past(file, moment, units_on, sum(len(found.loads) for found in loads.values()), is_new)


def _loads(site: Site, until: datetime | None, up_to: int | None) -> dict[tuple[str, str], Landed]:
    found = {
        (source.name, table): landed(source.name, table, up_to=up_to, until=until)
        for source in site.sources
        for table in source.tables
    }
    return {key: rows for key, rows in found.items() if rows}


def _key(
    assembly: Assembly, loads: dict[tuple[str, str], Landed], moment: datetime, units_on: date | None
) -> str:
    """What the state depends on: models and declarations, the moment, the loads and the files they lie in."""
    parts = [assembly.fingerprint, moment.isoformat(), str(units_on)]
    for key in sorted(loads):
        parts += [*key, *sorted(loads[key].loads), *sorted(map(str, loads[key].files))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _build(
    site: Site,
    assembly: Assembly,
    loads: dict[tuple[str, str], Landed],
    moment: datetime,
    units_on: date | None,
    file: Path,
) -> None:
    """Build everything into the lane's file aside, and keep of it the marts alone."""
    from wangting import dbt_run, landing_views

    context = landing_views.context_of(site, assembly, mode="full", as_of=moment, run_no=1, units_on=units_on)
    landing_views.prepare(_LANE, site, loads, context, aside=True)
    # Tests have passed, or will, in the lane itself: the models are the same.
    untested = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    dbt_run.build(_LANE, assembly.folder, ["--full-refresh", *untested])
    lane_file(_LANE, aside=True).unlink()
    lane_file(_LANE, "marts", aside=True).replace(file)
