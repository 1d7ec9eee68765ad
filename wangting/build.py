"""Build a lane: from what landed since its last passed build to tables that passed their tests."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select, update

from wangting import clock, ledger, locks, unmoved
from wangting.dbt_assembly import Assembly, Lane, assemble
from wangting.landed import Landed, landed
from wangting.site import Site, current_site

# What a regular build leaves alone: it cannot have changed unless the fingerprint did, or it reads whole tables.
_UNCHANGED = ["resource_type:seed", "path:staging", "tag:static", "test_name:not_null", "test_name:unique"]
_UNCHANGED += ["test_name:relationships", "test_name:accepted_values", "tag:whole_table"]


@dataclass(frozen=True)
class BuildSummary:
    """What a build did.

    Attributes:
        mode: full, incremental, or repeat (incremental after a failed one); none where nothing was new.
        reason: why, in Chinese.
        new_loads: loads that were new to the lane.
        models, tests: how many ran.
        seconds: how long it took.
    """

    lane: str
    mode: str
    reason: str
    build_id: str | None = None
    new_loads: int = 0
    models: int = 0
    tests: int = 0
    seconds: float = 0.0

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class _Plan:
    mode: str
    reason: str
    above: int
    up_to: int
    loads: dict[tuple[str, str], Landed]
    run_no: int

    @property
    def new_loads(self) -> int:
        return sum(len(found.loads) for found in self.loads.values())


def build(lane: Lane, full: bool = False) -> BuildSummary:
    """Bring a lane up to date; with `full` (or where models, seeds or specification changed) from the beginning.

    The lane's mark in the ledger moves only when every model and test passed; until then a repeat takes the same
    loads again, to the same result.

    Raises:
        WangtingError: another build is running, a declaration does not fit, or a model or test failed.
    """
    with locks.writer(lane):
        site = current_site()
        site.check()
        started = time.monotonic()
        assembly = assemble(lane, site)
        plan = _plan(lane, site, assembly, full)
        if plan.mode == "none":
            return BuildSummary(lane, "none", plan.reason)
        # Padded: where a simulated clock stands still, builds are told apart by the order of their names.
        build_id = f"{lane}-{ledger.stamp(clock.now())}-{plan.run_no:06d}"
        ledger.record(
            ledger.builds,
            build_id=build_id,
            lane=lane,
            mode="full" if plan.mode == "full" else "incremental",
            state="running",
            started_at=clock.now(),
            new_loads=plan.new_loads,
        )
        try:
            models, tests = _run(lane, site, assembly, plan)
        except BaseException as error:
            _finish(build_id, "failed", started, error=str(error) or type(error).__name__)
            raise
        with ledger.transaction() as connection:
            mark = {"lane": lane, "built_seq": plan.up_to, "built_at": clock.now()}
            ledger.upsert(connection, ledger.lanes, [mark | {"fingerprint": assembly.fingerprint}])
        seconds = _finish(build_id, "passed", started, models=models, tests=tests)
        return BuildSummary(
            lane, plan.mode, plan.reason, build_id, plan.new_loads, models, tests, round(seconds, 1)
        )


def needed(lane: Lane) -> str | None:
    """Why a build of the lane would do something, in Chinese; None: nothing is new. Asks the ledger, imports no dbt.

    Raises:
        WangtingError: a declaration does not fit.
    """
    site = current_site()
    site.check()
    plan = _plan(lane, site, assemble(lane, site), full=False)
    return None if plan.mode == "none" else plan.reason


def _finish(build_id: str, state: str, started: float, **values: Any) -> float:
    seconds = time.monotonic() - started
    with ledger.transaction() as connection:
        connection.execute(
            update(ledger.builds)
            .where(ledger.builds.c.build_id == build_id)
            .values(state=state, finished_at=clock.now(), seconds=round(seconds), **values)
        )
    return seconds


def _plan(lane: Lane, site: Site, assembly: Assembly, full: bool) -> _Plan:
    """Which loads to take and how; decided from the ledger alone, before anything heavy is imported."""
    marks = ledger.rows(select(ledger.lanes).where(ledger.lanes.c.lane == lane))
    builds = ledger.builds
    earlier = ledger.rows(
        select(func.count().label("number")).select_from(builds).where(builds.c.lane == lane)
    )[0]["number"]
    last = ledger.rows(
        select(builds)
        .where(builds.c.lane == lane)
        .order_by(builds.c.started_at.desc(), builds.c.build_id.desc())
    )[:1]
    failed = bool(last) and last[0]["state"] != "passed"
    mode, reason = "incremental", "有新到数据"
    if not marks:
        mode, reason = "full", "首次构建"
    elif full:
        mode, reason = "full", "按要求全量重建"
    elif marks[0]["fingerprint"] != assembly.fingerprint:
        mode, reason = "full", "模型、码表或规范有改动，全量重建"
    elif failed and last[0]["mode"] == "full":
        mode, reason = "full", "上次全量构建没有完成，重新全量构建"
    elif failed:
        mode, reason = "repeat", "上次构建没有完成，接着做"
    above = 0 if mode == "full" else int(marks[0]["built_seq"])
    up_to = ledger.last_commit_seq()
    loads = _loads(site, assembly, mode, above, up_to)
    if mode != "full" and _needs_all(site, assembly, loads):
        # What a row that is gone stood for can only be found by its case; without one, everything is computed anew.
        mode, reason, above = "full", "来源删除了不属于单个办件的记录，全量重建", 0
        loads = _loads(site, assembly, mode, above, up_to)
    if mode == "incremental" and not loads:
        # Which version of an item holds depends on the day, so that a new day is news to the warehouse.
        new_day = lane == "warehouse" and marks[0]["built_at"].date() != clock.today()
        mode, reason = ("incremental", "新的一天") if new_day else ("none", "没有新到数据")
    return _Plan(mode, reason, above, up_to, loads, int(earlier) + 1)


def _loads(
    site: Site, assembly: Assembly, mode: str, above: int, up_to: int
) -> dict[tuple[str, str], Landed]:
    """The loads of a run by source and table."""
    found = {
        (source.name, table): landed(source.name, table, above=above, up_to=up_to)
        for source in site.sources
        for table in source.tables
        if (source.name, table) in assembly.tables or mode == "full"
    }
    return {key: rows for key, rows in found.items() if rows}


def _needs_all(site: Site, assembly: Assembly, loads: dict[tuple[str, str], Landed]) -> bool:
    """Whether rows are gone whose case cannot be found, or whose case cannot be put together again."""
    deleting = {key for key, rows in loads.items() if rows.is_deleting}
    if not deleting:
        return False
    numbered = {
        (source.name, name)
        for source in site.sources
        for name, table in source.tables.items()
        if table.case_no
    }
    others = assembly.case_tables.union(*assembly.kind_tables.values())
    return bool(deleting - others or (deleting & assembly.case_tables and assembly.case_tables - numbered))


def _run(lane: Lane, site: Site, assembly: Assembly, plan: _Plan) -> tuple[int, int]:
    """Prepare the lane's file and run dbt on it; how many models and tests passed."""
    from wangting import dbt_run, landing_views

    # A repeat may follow on anything, and so may a build whose file is not the one that the last left.
    is_known = lane == "warehouse" and plan.mode == "incremental"
    before, as_of = landing_views.stood_for(lane) if is_known else None, clock.now()
    context = landing_views.context_of(site, assembly, mode=plan.mode, as_of=as_of, run_no=plan.run_no)
    landing_views.prepare(
        lane,
        site,
        plan.loads,
        context,
        case_tables=assembly.case_tables,
        kind_tables=assembly.kind_tables,
        up_to=plan.up_to,
    )
    arguments = ["--exclude-resource-type", "unit_test"]
    if plan.mode == "full":
        return dbt_run.build(lane, assembly.folder, ["--full-refresh", *arguments])
    manifest, exclude = None, list(_UNCHANGED)
    if lane == "warehouse":
        manifest = dbt_run.parse(lane, assembly.folder)
    if manifest is not None and before is None:
        unmoved.compute_anew(manifest)
    elif manifest is not None and before is not None:
        news = set(plan.loads)
        # Where cases lose rows, the views of all their tables show what is left of them.
        if news & assembly.case_tables:
            news |= assembly.case_tables
        exclude.append(unmoved.mark(manifest, news, before, as_of))
    return dbt_run.build(lane, assembly.folder, ["--exclude", *exclude, *arguments], manifest)
