"""Dropped files: a folder into which somebody puts workbooks, CSV, JSON, XML or ZIP; each content is taken once.

A file that cannot be read is named in a sentence and left alone; it is tried again in every run, until it is mended or
removed, so that nobody forgets it. A file that is still growing waits for the next run.
"""

import fnmatch
import hashlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from ingestion import archives, intake, landing, windows
from ingestion.connecting import Extract, TakenFile, UnreachableError, place
from ingestion.intake import LINEAGE, Intake
from ingestion.windows import Load
from wangting import settings
from wangting.errors import WangtingError
from wangting.source_spec import Source

__all__ = ["LINEAGE", "Files", "taken_again"]

_SETTLED = 2.0  # seconds without a change after which a file counts as written
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
_STEP = 1 << 20


class Files:
    """One folder."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._load: Load | None = None

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The lines of every file that was not taken before; all of them in a first or full load."""
        folder = Path(settings.resolve(self._source.url, place=place(self._source)))
        if not folder.is_dir():
            raise UnreachableError(
                "文件夹不存在或无法访问",
                place=place(self._source, file=folder),
                mend="检查共享目录是否已挂载、路径是否正确",
            )
        known, last = (set(), {}) if load.low is None else windows.taken_before(self._source, load.name)
        raw = landing.clear_raw(load)
        found = self._intake(connection, load)
        manifest = None if load.table.manifest is None else load.table.manifest.file
        for file in _settled(folder, load.table.pattern or "*", manifest):
            name = file.relative_to(folder).as_posix()
            where = place(self._source, load.name, name)
            copy = raw / name
            try:
                digest = hashed(file)
                # Known under another name it is a copy; put back under its own name after another one it is news.
                is_copy = digest in known and last.get(name, digest) == digest
                if is_copy and not windows.is_next_snapshot(load, name, last):
                    continue
                copy.parent.mkdir(parents=True, exist_ok=True)
                if hashed(file, copy) != digest:  # somebody writes to it after all
                    copy.unlink()
                    continue
            except FileNotFoundError:
                continue  # taken away again
            except PermissionError:
                found.errors.append(
                    str(WangtingError("没有读取权限", place=where, mend="放开该文件的读取权限"))
                )
                continue
            try:
                found.take(copy, name, digest, *archives.beside(folder, file, load.table, where))
            except WangtingError as error:
                copy.unlink()
                found.errors.append(str(error))
                continue
            known.add(digest)
        if not found.taken:
            shutil.rmtree(raw, ignore_errors=True)
        return found.extract()

    def replay(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The lines of the files that were kept; lists beside them were held against them when they came."""
        return replayed(self._intake(connection, load))

    def close(self) -> None:
        """Remove what was written to read it."""
        if self._load is not None:
            intake.clear(self._load)

    def _intake(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Intake:
        self.close()  # what was read before has landed
        self._load = load
        return Intake(connection, load)


def replayed(found: Intake) -> Extract:
    """What the files kept in the raw folder of the intake's load hold, by today's declaration.

    Raises:
        WangtingError: they are kept no more.
    """
    load = found.load
    files = _below(load.raw)
    if not files:
        raise WangtingError(
            "原始数据已不在", place=place(load.source, load.name, load.load_id), mend="改用重新抽取"
        )
    for file in files:
        try:
            found.take(file, file.relative_to(load.raw).as_posix(), hashed(file))
        except WangtingError as error:
            found.errors.append(str(error))
    return found.extract()


def taken_again(load: Load) -> list[TakenFile]:
    """The files that an interrupted run of this load had read: their copies are kept beside."""
    return [TakenFile(file.relative_to(load.raw).as_posix(), hashed(file)) for file in _below(load.raw)]


def hashed(file: Path, copy: Path | None = None) -> str:
    """SHA-256 of a file's bytes, which on the way may be copied."""
    if copy is None:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    digest = hashlib.sha256()
    with file.open("rb") as content, copy.open("wb") as out:
        while piece := content.read(_STEP):
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


def _below(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*")) if file.is_file()]


def _settled(folder: Path, pattern: str, manifest: str | None) -> Iterator[Path]:
    """The files to look at, by name; a fresh one is watched for a moment, and left if it still changes."""
    files = [
        file
        for file in sorted(folder.glob(pattern))
        if file.is_file()
        and not file.name.startswith(("~$", "."))
        and file.suffix.lower() not in _UNFINISHED
        and not (manifest and fnmatch.fnmatchcase(file.name, manifest))
    ]
    before = {file: (file.stat().st_size, file.stat().st_mtime_ns) for file in files}
    youngest = max((mtime for _, mtime in before.values()), default=0) / 1e9
    wait = min(max(0.0, youngest + _SETTLED - time.time()), _SETTLED)
    if wait:
        time.sleep(wait)
    for file in files:
        try:
            now = file.stat()
        except FileNotFoundError:
            continue
        if before[file] == (now.st_size, now.st_mtime_ns):
            yield file
