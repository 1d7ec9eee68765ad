"""Run every DAG once, in this process, in the order that their assets dictate: what a scheduler does in a day."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from wangting import settings
from wangting.errors import WangtingError
from wangting.orchestration import POOLS, airflow_environment


@dataclass(frozen=True)
class DagOutcome:
    """How one DAG's run ended."""

    dag_id: str
    title: str
    state: str
    seconds: float
    failed_tasks: list[str]
    reasons: list[str]


@contextmanager
def quiet(log: Path) -> Iterator[None]:
    """Send all that Airflow and what it starts print to `log`, at the level of file descriptors."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as sink:
        try:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, descriptor)
                os.close(copy)


def prepare() -> None:
    """Set Airflow's environment, then make or migrate its metadata and pools. Must come before Airflow is imported."""
    os.environ.update(airflow_environment())
    # A person waits in front of this run: a failed task is tried again by the next run, not after a pause.
    os.environ.setdefault("WANGTING_RETRIES", "0")
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    initdb()
    for name, (slots, why) in POOLS.items():
        Pool.create_or_update_pool(name, slots=slots, description=why, include_deferred=False)


def _names(condition: Any) -> set[str]:
    """The assets in a schedule's condition, however it joins them."""
    parts = getattr(condition, "objects", None)
    return {condition.name} if parts is None else set().union(*map(_names, parts))


def in_asset_order(dags: dict[str, Any]) -> list[str]:
    """DAG ids, each after those whose assets it waits for."""
    producers: dict[str, set[str]] = {}
    for dag_id, dag in dags.items():
        for task in dag.tasks:
            for asset in task.outlets:
                producers.setdefault(asset.name, set()).add(dag_id)
    order: TopologicalSorter[str] = TopologicalSorter()
    for dag_id, dag in sorted(dags.items()):
        condition = getattr(dag.timetable, "asset_condition", None)
        awaited = _names(condition) if condition is not None else set()
        # What runs by the clock alone comes after what it reads.
        awaited |= {asset.name for task in dag.tasks for asset in task.inlets}
        order.add(dag_id, *sorted(set().union(*(producers.get(name, set()) for name in awaited)) - {dag_id}))
    return list(order.static_order())


def _sentences(log: Path, start: int) -> list[str]:
    """The sentences for people among what Airflow logged since `start`: tasks run out of this process's sight."""
    mark = "wangting.errors.WangtingError: "
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode("utf-8", "replace").splitlines()
    return list(dict.fromkeys(line.removeprefix(mark) for line in lines if line.startswith(mark)))


def run_all(log: Path, tell: Callable[[str, int, int], None]) -> list[DagOutcome]:
    """Run every DAG of the house once.

    Args:
        log: where Airflow's own output goes.
        tell: called with a DAG's title, its number and how many there are, before it runs.

    Returns:
        one outcome a DAG; a failed one does not keep the others from running.

    Raises:
        WangtingError: a DAG file does not load.
    """
    with quiet(log):
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(settings.REPOSITORY / "dags"))
        if bag.import_errors:
            file, trace = next(iter(bag.import_errors.items()))
            raise WangtingError(trace.strip().splitlines()[-1], place=file, mend="改正后再运行")
        order = in_asset_order(bag.dags)
    outcomes = []
    for number, dag_id in enumerate(order, 1):
        dag = bag.dags[dag_id]
        title = dag.doc_md or dag_id
        tell(title, number, len(order))
        started, said = time.monotonic(), log.stat().st_size if log.exists() else 0
        with quiet(log):
            run = dag.test()
        instances = run.get_task_instances()
        failed = [
            ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]"
            for ti in instances
            if str(ti.state) == "failed"
        ]
        reasons = _sentences(log, said) if failed else []
        outcomes.append(
            DagOutcome(dag_id, title, str(run.state), time.monotonic() - started, failed, reasons)
        )
    return outcomes
