"""Pull: plan a window, ask the source, land, commit; table by table, and a failing one never stops the others.

A source whose address names an environment variable that is set nowhere is not available on this machine: it is told
of, and everything else goes on.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

import duckdb

from ingestion import contract, deletes, landing, windows
from ingestion.connecting import Connector, UnreachableError, connector, place
from ingestion.contract import BrokenContractError, Remark
from ingestion.windows import Load
from wangting import clock, disk, engine, locks, settings
from wangting.errors import WangtingError
from wangting.site import current_site
from wangting.source_spec import DATABASES, FILES, Source

_log = logging.getLogger(__name__)
_LOCK_WAIT = 10.0  # seconds for another process that pulls the same table

Told = Callable[["LoadResult"], None]


@dataclass
class LoadResult:
    """What came of one table.

    Attributes:
        state: committed (new rows landed), empty (nothing new), failed (nothing landed) or unavailable (not on this
            machine: nobody was asked).
        deleted: how many of the rows say that one is gone at the source.
        resumed: the load of a killed run that was finished first; its rows are counted in.
        warnings, errors: a Chinese sentence each. A committed load may have errors: a dropped file that cannot be read
            does not keep the others from landing.
    """

    source: str
    table: str
    state: Literal["committed", "empty", "failed", "unavailable"]
    load_id: str | None = None
    rows: int = 0
    deleted: int = 0
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
    with Session(spec) as session:
        result, trouble = pull_one(session, table, full=full)
    if trouble is not None:
        raise trouble
    if result.errors:
        raise WangtingError("；".join(error.rstrip("。") for error in result.errors))
    return result


def pull_if_available(source: str, table: str) -> LoadResult:
    """Land what is new in one table; a source that is not available on this machine is a result that says so.

    Raises:
        WangtingError: as `pull_table`.
    """
    reason = unavailable(current_site().source(source))
    if reason is not None:
        return LoadResult(source, table, "unavailable", warnings=[reason])
    return pull_table(source, table)


def unavailable(spec: Source) -> str | None:
    """Why the source cannot be asked on this machine, in Chinese; None: it can."""
    missing = settings.missing(spec.url)
    if not missing:
        return None
    return f"{spec.title}（{spec.name}）本机不可用：没有设置环境变量 {'、'.join(missing)}，已跳过"


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
    shared = Shared()
    try:
        # What reads the house's ledger sees what the others have just brought.
        for spec in sorted(specs, key=lambda spec: spec.of_the_house):
            if (reason := unavailable(spec)) is not None:
                for table in spec.tables:
                    done(LoadResult(spec.name, table, "unavailable", warnings=[reason]))
            else:
                _pull_source(spec, full, done, shared)
    finally:
        shared.leave()
    return results


def _pull_source(spec: Source, full: bool, done: Told, shared: "Shared") -> None:
    with Session(spec, shared) as session:
        for table in spec.tables:
            result, trouble = pull_one(session, table, full=full)
            if isinstance(trouble, UnreachableError):
                # Where nobody answered, the next table would only wait for the same time-outs.
                session.connector = _Silent(trouble)
            done(result)


class Shared:
    """One DuckDB for a whole pull: it and its extensions take longer to start than most tables to ask."""

    def __init__(self) -> None:
        self._database: duckdb.DuckDBPyConnection | None = None

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A connection with temporary tables of its own; what is attached and loaded is everybody's."""
        if self._database is None:
            self._database = engine.connect()
        return self._database.cursor()

    def detach(self) -> None:
        """Leave the source's databases; the next source's have the same name."""
        if self._database is None:
            return
        try:
            for (name,) in self._database.execute(
                "SELECT database_name FROM duckdb_databases() WHERE NOT internal AND database_name <> 'memory'"
            ).fetchall():
                self._database.execute(f'DETACH "{name}"')
        except duckdb.Error:
            self.leave()

    def leave(self) -> None:
        """Begin anew with the next connection: after an error nobody knows what is left."""
        if self._database is not None:
            with suppress(duckdb.Error):
                self._database.close()
        self._database = None


class Session:
    """What the tables of a source share: its connector, and the databases that are attached for it."""

    def __init__(self, spec: Source, shared: Shared | None = None) -> None:
        self.spec = spec
        self._asked = connector(spec)
        self.connector: Connector = self._asked
        self.shared = shared or Shared()
        self._is_own = shared is None
        self._kept: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.close()
        self._leave()
        if self._is_own:
            self.shared.leave()

    def _leave(self) -> None:
        if self._kept is not None:
            self._kept.close()
        self._kept = None
        self.shared.detach()

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """For one load. A database stays attached, with what its connector has set, until the source is done."""
        connection = self._kept or self.shared.connection()
        self._kept = connection
        try:
            yield connection
        except BaseException:
            self._kept = None
            connection.close()
            self.shared.leave()
            raise
        if self.spec.connect not in DATABASES:
            self._leave()


class _Silent:
    """A source that has refused already in this run."""

    def __init__(self, refused: UnreachableError) -> None:
        self._refused = refused

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Any:
        raise self._refused

    def close(self) -> None:
        pass


def pull_one(
    session: Session, table: str, *, full: bool = False, span: tuple[datetime, datetime] | None = None
) -> tuple[LoadResult, WangtingError | None]:
    """Pull one table of a source: the result, and the error that stopped it where one did.

    Args:
        full: look at all of it, and compare it with the source where its declaration says how.
        span: only this window once more, as a backfill.
    """
    spec = session.spec
    declared = spec.tables[table].deletes
    if spec.connect in FILES and declared is not None and declared.by == "snapshot":
        full = False  # each file is compared with the one before it; from the first one on would be backwards
    started = time.monotonic()
    result = LoadResult(spec.name, table, "empty")
    trouble: WangtingError | None = None
    try:
        with locks.writer(f"pull-{spec.name}-{table}", wait=_LOCK_WAIT):
            left = windows.unfinished(spec, table)
            if left is not None:
                result.resumed = left.load_id
                _finish(left, session, result)
            if span is not None:
                _finish(windows.plan(spec, table, kind="backfill", span=span), session, result)
            else:
                # What was left behind ended when it was planned; what came since is a load of its own.
                if left is None or left.kind or left.high < clock.now() or (full and left.low is not None):
                    _finish(windows.plan(spec, table, full=full), session, result)
                if deletes.is_due(spec, table, is_asked=full):
                    _finish(windows.plan(spec, table, kind="deletes"), session, result)
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


def _finish(load: Load, session: Session, result: LoadResult) -> None:
    """Carry a planned load to its end and add it to the result.

    Raises:
        WangtingError: nothing of it became visible; the ledger has the sentence.
    """
    compared: deletes.Compared | None = None
    try:
        if load.kind == "deletes" and not load.path.exists():
            landed, compared, errors = _compare(load, session)
            taken: list[dict[str, Any]] = []
        else:
            landed, taken, errors = _land(load, session)
    except Exception as error:
        sentence = (
            error
            if isinstance(error, WangtingError)
            else landing.as_sentence(error, place(load.source, load.name))
        )
        if not load.path.exists():
            shutil.rmtree(load.raw, ignore_errors=True)
            noted = [error.remark] if isinstance(error, BrokenContractError) else []
            _note(load, str(sentence or type(error).__name__), noted)
        if sentence is None:
            raise
        raise sentence from None
    if load.kind is None:
        landed.remarks.extend(contract.floor(load.source, load.name, clock.now()))
    windows.finish(
        load,
        rows=landed.rows,
        size=landed.size,
        loaded_at=landed.loaded_at,
        warnings=landed.warnings,
        errors=errors,
        taken=taken,
        deleted=landed.deleted,
        cursor_high=landed.cursor_high,
        noted=[remark.row(load.load_id, load.source.name, load.name) for remark in landed.remarks],
    )
    if compared is not None:
        compared.note(load.source, load.name)
    if not landed.rows or load.kind == "deletes":
        shutil.rmtree(load.raw, ignore_errors=True)  # pages that hold nothing new need no replay
    if landed.rows or result.load_id is None:
        result.load_id = load.load_id
    if landed.rows:
        result.state = "committed"
    result.rows += landed.rows
    result.deleted += landed.deleted
    result.bytes += landed.size
    result.warnings += landed.warnings
    result.errors += errors


def _compare(load: Load, session: Session) -> tuple[landing.Landed, deletes.Compared, list[str]]:
    try:
        with session.connection() as connection:
            return deletes.compare(connection, load, session.connector)
    except duckdb.Error as error:
        raise _explained(error, load) from None


def _land(load: Load, session: Session) -> tuple[landing.Landed, list[dict[str, Any]], list[str]]:
    if load.path.exists():
        from ingestion.files import taken_again

        with session.connection() as connection:
            landed = landing.adopt(connection, load)
        files = taken_again(load) if load.source.connect in FILES else []
        return landed, _taken(load, files, landed), []
    try:
        with session.connection() as connection:
            extract = session.connector.extract(connection, load)
            landed = landing.land(connection, load, extract)
    except duckdb.Error as error:
        raise _explained(error, load) from None
    return landed, _taken(load, extract.taken, landed), extract.errors


def _explained(error: duckdb.Error, load: Load) -> Exception:
    """A database's own words without its address."""
    if load.source.connect in DATABASES and not disk.is_full(error):
        from ingestion.databases import explain

        return explain(error, load.source, load.name)
    return error


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


def _note(load: Load, error: str, noted: Sequence[Remark]) -> None:
    try:
        windows.fail(load, error, [remark.row(load.load_id, load.source.name, load.name) for remark in noted])
    except Exception as problem:
        if not disk.is_full(problem):  # then the load simply stays planned, and is redone
            _log.warning("could not note the failure of %s", load.load_id, exc_info=True)
