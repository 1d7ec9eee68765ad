"""Dropped files: a folder into which somebody puts workbooks or CSV files; each content is taken once.

A file that cannot be read is named in a sentence and left alone; it is tried again in every run, until it is mended or
removed, so that nobody forgets it. A file that is still growing waits for the next run.
"""

import hashlib
import re
import shutil
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb

from ingestion import landing, windows
from ingestion.columns import cast, compare, quoted
from ingestion.connecting import Extract, TakenFile, UnreachableError, place
from ingestion.sheets import Sheet, read_csv, read_workbook
from ingestion.windows import Load
from wangting import disk, settings
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.site import current_site
from wangting.source_spec import Source

LINEAGE = ("_file", "_file_row", "_file_date")
_SETTLED = 2.0  # seconds without a change after which a file counts as written
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


class Files:
    """One folder."""

    def __init__(self, source: Source) -> None:
        self._source = source

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
        columns = dict.fromkeys(load.table.columns, "VARCHAR")
        connection.execute(
            f"CREATE TEMP TABLE dropped ({', '.join(f'{quoted(name)} VARCHAR' for name in columns)}, "
            "_file VARCHAR, _file_row BIGINT, _file_date DATE)"
        )
        result = Extract("dropped", columns, LINEAGE)
        for file in _settled(folder, load.table.pattern or "*"):
            name = file.relative_to(folder).as_posix()
            where = place(self._source, load.name, name)
            try:
                digest = _digest(file)
                # Known under another name it is a copy; put back under its own name after another one it is news.
                if digest in known and last.get(name, digest) == digest:
                    continue
                copy = raw / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
                if _digest(copy) != digest:  # somebody writes to it after all
                    copy.unlink()
                    continue
            except FileNotFoundError:
                continue  # taken away again
            except PermissionError:
                result.errors.append(
                    str(WangtingError("没有读取权限", place=where, mend="放开该文件的读取权限"))
                )
                continue
            try:
                self._take(connection, load, copy, name, columns, result.warnings, where)
            except WangtingError as error:
                copy.unlink()
                result.errors.append(str(error))
                continue
            known.add(digest)
            result.taken.append(TakenFile(name, digest))
        if not result.taken:
            shutil.rmtree(raw, ignore_errors=True)
        return result

    def close(self) -> None:
        """Nothing is kept."""

    def _take(
        self,
        connection: duckdb.DuckDBPyConnection,
        load: Load,
        copy: Path,
        name: str,
        columns: dict[str, str],
        warnings: list[str],
        where: str,
    ) -> None:
        """Add one file's lines to the table `dropped`; all of them or, with an error, none."""
        table = load.table
        dated = _date(copy.name, table.file_date, where)
        file_date = "NULL" if dated is None else f"DATE {literal(dated)}"
        read = read_workbook if copy.suffix.lower() in (".xlsx", ".xlsm") else read_csv
        with read(connection, copy, table, where) as sheet:
            missing, new = compare(table.columns, sheet.columns)
            if missing:
                raise WangtingError(
                    f"表头缺少列 {'、'.join(missing)}", place=where, mend="请填报人按模板恢复表头后重新放入"
                )
            _refuse_wrong_types(connection, load, sheet, where)
            for column in new:
                if column not in columns:
                    columns[column] = "VARCHAR"
                    connection.execute(f"ALTER TABLE dropped ADD COLUMN {quoted(column)} VARCHAR")
            warnings.extend(sheet.warnings)
            try:
                connection.execute(
                    f"INSERT INTO dropped BY NAME SELECT * EXCLUDE (_row), {literal(name)} AS _file, "
                    f"_row AS _file_row, {file_date} AS _file_date FROM {sheet.relation}"
                )
            except duckdb.Error as error:
                if disk.is_full(error):
                    raise
                raise WangtingError(
                    f"文件读不下去（{_short(error)}）", place=where, mend="请重新导出后放入"
                ) from None


def taken_again(load: Load) -> list[TakenFile]:
    """The files that an interrupted run of this load had read: their copies are kept beside."""
    return [
        TakenFile(file.relative_to(load.raw).as_posix(), _digest(file))
        for file in sorted(load.raw.rglob("*"))
        if file.is_file()
    ]


def _settled(folder: Path, pattern: str) -> Iterator[Path]:
    """The files to look at, by name; a fresh one is watched for a moment, and left if it still changes."""
    files = [
        file
        for file in sorted(folder.glob(pattern))
        if file.is_file() and not file.name.startswith(("~$", ".")) and file.suffix.lower() not in _UNFINISHED
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


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _date(name: str, pattern: str | None, where: str) -> date | None:
    """The date in a file's name; later files win over earlier ones by it."""
    if pattern is None:
        return None
    match = re.search(pattern, name)
    digits = "".join(re.findall(r"\d", "".join(match.groups() or (match[0],)))) if match else ""
    try:
        return date.fromisoformat(digits)
    except ValueError:
        raise WangtingError(
            "文件名中没有日期", place=where, mend="请在文件名中写明日期，如 2017-11-30"
        ) from None


def _refuse_wrong_types(connection: duckdb.DuckDBPyConnection, load: Load, sheet: Sheet, where: str) -> None:
    zone = current_site().zone
    for column, kind in load.table.columns.items():
        is_wrong = cast(column, kind, "VARCHAR", source_zone=load.source.zone, zone=zone).is_wrong
        if is_wrong is None:
            continue
        try:
            lines = connection.execute(
                f"SELECT _row FROM {sheet.relation} WHERE {is_wrong} ORDER BY _row"
            ).fetchall()
        except duckdb.Error as error:
            raise WangtingError(
                f"文件读不下去（{_short(error)}）", place=where, mend="请重新导出后放入"
            ) from None
        if lines:
            shown = "、".join(str(line[0]) for line in lines[:3])
            raise WangtingError(
                f"列 {column} 应为 {kind}，有 {len(lines)} 个值不是（第 {shown} 行）",
                place=where,
                mend="请填报人更正后重新放入",
            )


def _short(error: duckdb.Error) -> str:
    return str(error).splitlines()[0][:200]
