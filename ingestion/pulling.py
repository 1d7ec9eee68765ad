"""Pull: plan a window, ask the source, land, commit; table by table, and a failing one never stops the others."""

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import duckdb

from ingestion import landing, windows
from ingestion.connecting import Connector, UnreachableError, connector, place
from ingestion.windows import Load
from wangting import clock, disk, engine, locks
from wangting.errors import WangtingError
from wangting.site import current_site
from wangting.source_spec import Source

_log = logging.getLogger(__name__)
_LOCK_WAIT = 10.0  # seconds for another process that pulls the same table

Told = Callable[["LoadResult"], None]


@dataclass
class LoadResult:
    """What came of one table.

    Attributes:
        state: committed (new rows landed), empty (nothing new) or failed (nothing landed).
        resumed: the load of a killed run that was finished first; its rows are counted in.
        warnings, errors: a Chinese sentence each. A committed load may have errors: a dropped file that cannot be read
            does not keep the others from landing.
    """

    source: str
    table: str
    state: Literal["committed", "empty", "failed"]
    load_id: str | None = None
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    resumed: str | None = None
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Nothing is to be mended."""
        return not self.errors

    def summary(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return asdict(self)


def pull_table(source: str, table: str, *, full: bool = False) -> LoadResult:
    """Land what is new in one table; with `full`, look at all of it and land what is not yet landed.

    Raises:
        WangtingError: the source or one of its files is at fault; what could be read has been landed.
    """
    spec = current_site().source(source)
    if table not in spec.tables:
        raise WangtingError(
            f"没有声明表 {table}", place=place(spec), mend=f"可用的表：{'、'.join(spec.tables)}"
        )
    asked = connector(spec)
    try:
        result, trouble = _pull_table(spec, table, asked, full=full)
    finally:
        asked.close()
    if trouble is not None:
        raise trouble
    if result.errors:
        raise WangtingError("；".join(error.rstrip("。") for error in result.errors))
    return result


def pull(
    sources: Sequence[str] | None = None, *, full: bool = False, told: Told | None = None
) -> list[LoadResult]:
    """Land what is new in the named sources, or in all.

    A table, file or source that fails is a result with its sentence; the others go on.

    Args:
        told: is called with each result as it comes.

    Raises:
        WangtingError: a name that is no source.
    """
    site = current_site()
    wanted = list(sources) if sources else [*(source.name for source in site.sources), *site.broken]
    results: list[LoadResult] = []

    def done(result: LoadResult) -> None:
        results.append(result)
        if told is not None:
            told(result)

    specs: list[Source] = []
    for name in dict.fromkeys(wanted):
        if name in site.broken:
            done(LoadResult(name, "", "failed", errors=[str(site.broken[name])]))
        else:
            specs.append(site.source(name))
    for spec in specs:
        _pull_source(spec, full, done)
    return results


def _pull_source(spec: Source, full: bool, done: Told) -> None:
    asked = connector(spec)
    refused: UnreachableError | None = None
    try:
        for table in spec.tables:
            # Where nobody answered, the next table would only wait for the same time-outs.
            result, trouble = _pull_table(spec, table, _Silent(refused) if refused else asked, full=full)
            if isinstance(trouble, UnreachableError):
                refused = trouble
            done(result)
    finally:
        asked.close()


class _Silent:
    """A source that has refused already in this run."""

    def __init__(self, refused: UnreachableError) -> None:
        self._refused = refused

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Any:
        raise self._refused

    def close(self) -> None:
        pass


def _pull_table(
    spec: Source, table: str, asked: Connector, *, full: bool
) -> tuple[LoadResult, WangtingError | None]:
    """The result, and the error that stopped it where one did."""
    started = time.monotonic()
    result = LoadResult(spec.name, table, "empty")
    trouble: WangtingError | None = None
    try:
        with locks.writer(f"pull-{spec.name}-{table}", wait=_LOCK_WAIT):
            left = windows.unfinished(spec, table)
            if left is not None:
                result.resumed = left.load_id
                _finish(left, asked, result)
            # What was left behind ended when it was planned; what came since is a load of its own.
            if left is None or left.high < clock.now() or (full and left.low is not None):
                _finish(windows.plan(spec, table, full=full), asked, result)
    except WangtingError as error:
        trouble = error
    except Exception as error:  # a mistake of ours must not keep the other tables from landing
        trouble = landing.as_sentence(error, place(spec, table))
        if trouble is None:
            _log.exception("pull of %s.%s failed", spec.name, table)
            about = f"意外错误（{type(error).__name__}）"
            trouble = WangtingError(about, place=place(spec, table), mend="详情见日志，请把它交给维护人员")
    if trouble is not None:
        result.errors.append(str(trouble))
        if not result.rows:
            result.state = "failed"
    elif result.errors and not result.rows:
        result.state = "failed"
    result.seconds = round(time.monotonic() - started, 3)
    return result, trouble


def _finish(load: Load, asked: Connector, result: LoadResult) -> None:
    """Carry a planned load to its end and add it to the result.

    Raises:
        WangtingError: nothing of it became visible; the ledger has the sentence.
    """
    try:
        landed, taken, errors = _land(load, asked)
    except Exception as error:
        sentence = (
            error
            if isinstance(error, WangtingError)
            else landing.as_sentence(error, place(load.source, load.name))
        )
        if not load.path.exists():
            shutil.rmtree(load.raw, ignore_errors=True)
            _note(load, str(sentence or type(error).__name__))
        if sentence is None:
            raise
        raise sentence from None
    windows.finish(
        load,
        rows=landed.rows,
        size=landed.size,
        loaded_at=landed.loaded_at,
        warnings=landed.warnings,
        errors=errors,
        taken=taken,
    )
    if not landed.rows and not taken:
        shutil.rmtree(load.raw, ignore_errors=True)  # pages that hold nothing new need no replay
    if landed.rows or result.load_id is None:
        result.load_id = load.load_id
    if landed.rows:
        result.state = "committed"
    result.rows += landed.rows
    result.bytes += landed.size
    result.warnings += landed.warnings
    result.errors += errors


def _land(load: Load, asked: Connector) -> tuple[landing.Landed, list[dict[str, Any]], list[str]]:
    with engine.connect() as connection:
        if load.path.exists():
            from ingestion.files import taken_again

            landed = landing.adopt(connection, load)
            files = taken_again(load) if load.source.connect == "files" else []
            return landed, _taken(load, files, landed), []
        try:
            extract = asked.extract(connection, load)
            landed = landing.land(connection, load, extract)
        except duckdb.Error as error:
            if load.source.connect == "postgres" and not disk.is_full(error):
                from ingestion.postgres import explain

                raise explain(error, load.source, load.name) from None
            raise
    return landed, _taken(load, extract.taken, landed), extract.errors


def _taken(load: Load, files: Sequence[Any], landed: landing.Landed) -> list[dict[str, Any]]:
    return [
        {
            "source": load.source.name,
            "table_name": load.name,
            "content_hash": file.content_hash,
            "name": file.name,
            "load_id": load.load_id,
            "taken_at": landed.loaded_at,
        }
        for file in files
    ]


def _note(load: Load, error: str) -> None:
    try:
        windows.fail(load, error)
    except Exception as problem:
        if not disk.is_full(problem):  # then the load simply stays planned, and is redone
            _log.warning("could not note the failure of %s", load.load_id, exc_info=True)
