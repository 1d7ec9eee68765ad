"""Run dbt in this process and say in one Chinese sentence what failed."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from wangting import disk, settings
from wangting.console import progress
from wangting.dbt_assembly import Lane
from wangting.errors import WangtingError

_PASSED = {"success", "pass", "warn", "no-op"}
_TITLES = {"exchange": "构建交换记录", "warehouse": "构建数据仓库"}


def build(lane: Lane, folder: Path, arguments: list[str], manifest: Any = None) -> tuple[int, int]:
    """`dbt build` of an assembled project; how many models (with seeds) and how many tests ran.

    Args:
        manifest: the project as `parse` read it, not to be read again.

    Raises:
        WangtingError: the project does not parse, or a model or test did not pass; names the first of them.
    """
    results = invoke(lane, folder, ["build", *arguments], manifest=manifest)
    bad = [result for result in results if str(result.status) not in _PASSED]
    if bad:
        raise _sentence(bad)
    tests = sum(str(result.node.resource_type) in ("test", "unit_test") for result in results)
    return len(results) - tests, tests


def parse(lane: Lane, folder: Path) -> Any:
    """dbt's manifest of an assembled project.

    Raises:
        WangtingError: the project does not parse.
    """
    return _outcome(lane, folder, ["parse"]).result


def invoke(
    lane: Lane, folder: Path, command: list[str], *, writes_files: bool = False, manifest: Any = None
) -> list[Any]:
    """One dbt command on an assembled project; dbt's own result objects, one a node.

    Args:
        writes_files: whether dbt leaves its manifest and results in the project's target folder.
        manifest: the project as `parse` read it.
    """
    outcome = _outcome(lane, folder, command, writes_files=writes_files, manifest=manifest)
    return list(getattr(outcome.result, "results", None) or [])


def _outcome(
    lane: Lane, folder: Path, command: list[str], *, writes_files: bool = False, manifest: Any = None
) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    from wangting import dbt_lighter

    dbt_lighter.lighten()
    place = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--target", lane]
    silent = [
        "--quiet",
        "--log-level",
        "none",
        "--log-level-file",
        "info",
        "--no-use-colors",
        "--write-json" if writes_files else "--no-write-json",
    ]
    words = list(takewhile(lambda word: not word.startswith("-"), command))  # `docs generate` has two
    with progress(_TITLES[lane]) as step:
        done = 0

        def follow(event: Any) -> None:
            nonlocal done
            if event.info.name == "NodeFinished":
                done += 1
                step(done, text=f"{_TITLES[lane]} {event.data.node_info.node_name}")

        with _quiet_logging():
            outcome = dbtRunner(manifest, callbacks=[follow]).invoke(
                [*words, *place, *silent, *command[len(words) :]]
            )
    # dbt keeps its connection for the life of the process; a lane's file is to be free as soon as the build ends.
    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()
    if outcome.exception is not None:
        if disk.is_full(outcome.exception):
            raise disk.full() from outcome.exception
        raise WangtingError(
            f"dbt 无法读懂项目：{_first_line(str(outcome.exception))}",
            place=str(folder),
            mend="改正所指文件后重跑",
        ) from outcome.exception
    return outcome


@contextmanager
def _quiet_logging() -> Iterator[None]:
    """A log that cannot be written (a full disk) is not worth more words than what it would have told of."""
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield
    finally:
        logging.raiseExceptions = before


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kept = [
        line for line in lines if not re.fullmatch(r"(Compilation|Runtime|Database|Parsing) Error.*", line)
    ]
    return "；".join((kept or lines or ["没有说明"])[:3])[:400]


def _sentence(bad: list[Any]) -> WangtingError:
    """The first failure, in the order of cause: what was skipped only follows from another."""
    causes = [result for result in bad if str(result.status) != "skipped"] or bad
    if any(disk.is_full(Exception(result.message)) for result in causes):
        return disk.full()
    for result in causes:
        if "Out of Memory Error" in (result.message or ""):
            return WangtingError(
                f"内存不足：模型 {result.node.name} 需要的内存超过 DuckDB 的上限 {settings.memory_limit()}",
                place=str(result.node.original_file_path),
                mend="调大 WANGTING_MEMORY（例如本机内存的一半）后重跑",
            )
    first = causes[0]
    node = first.node
    more = f"（另有 {len(causes) - 1} 处）" if len(causes) > 1 else ""
    if str(first.status) == "fail":
        message = f"检验 {node.name} 没有通过，{first.failures} 行不合{more}"
        mend = "查出这些行的来源并更正后重跑"
    else:
        message = f"模型 {node.name} 没有建成：{_first_line(first.message or '')}{more}"
        mend = "按所述原因更正模型或来源后重跑"
    return WangtingError(message, place=str(node.original_file_path), mend=mend)
