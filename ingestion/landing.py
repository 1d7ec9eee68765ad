"""Landing: an extract becomes one immutable Parquet file, or nothing.

Columns as the source has them (declared ones in their declared type), then the connector's own (_file …), then
_source, _table, _load_id, _loaded_at, _row_hash. Written under a temporary name, synced, renamed: what is visible is
whole, and what is visible is never written again.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion import windows
from ingestion.columns import Cast, cast, quoted, require
from ingestion.connecting import Extract, place
from ingestion.windows import Load
from wangting import clock, disk
from wangting.disk import sync
from wangting.engine import file_list, literal
from wangting.errors import WangtingError
from wangting.site import current_site

_SHOWN = 3  # keys named in an error


@dataclass(frozen=True)
class Landed:
    """What became visible; without rows there is no file."""

    rows: int
    size: int
    loaded_at: datetime
    warnings: list[str]


def land(connection: duckdb.DuckDBPyConnection, load: Load, extract: Extract) -> Landed:
    """Write the rows of the extract that no earlier load has.

    Raises:
        WangtingError: a lost column, a value of another type, a full disk; nothing has become visible.
    """
    where = place(load.source, load.name)
    table, zone = load.table, current_site().zone
    warnings = list(extract.warnings)
    new = [
        name for name in require(table.columns, extract.present, place=where) if name not in extract.lineage
    ]
    if new:
        warnings.append(f"来源多出未声明的列 {'、'.join(new)}，已按原样落地；请在 source.yml 中声明")
    casts = [
        cast(name, kind, extract.present[name], source_zone=load.source.zone, zone=zone)
        for name, kind in table.columns.items()
    ] + [Cast(name, quoted(name)) for name in new]
    loaded_at = clock.now()
    query = _query(load, extract, casts, loaded_at)
    try:
        rows = write(connection, query, load.path)
    except duckdb.Error as error:
        if "wrong type: " in str(error):
            raise _wrong_types(connection, load, extract, casts) from None
        raise
    if rows and (unnamed := _without_key(connection, load)):
        warnings.append(
            f"有 {unnamed} 行的键 {'、'.join(table.key)} 有空值；没有流水号或编码的行只留在落地层"
        )
    if rows and table.cursor and load.low is None:
        without = _count(
            connection, f"FROM read_parquet({literal(load.path)}) WHERE {quoted(table.cursor)} IS NULL"
        )
        if without:
            warnings.append(
                f"有 {without} 行 {table.cursor} 为空：只在首次或全量抽取时取到，以后的变化看不见"
            )
    return Landed(rows, load.path.stat().st_size if rows else 0, loaded_at, warnings)


def adopt(connection: duckdb.DuckDBPyConnection, load: Load) -> Landed:
    """Take over the file that an interrupted run of this very load has already made visible."""
    found = connection.execute(
        f"SELECT count(*), max(_loaded_at) FROM read_parquet({literal(load.path)})"
    ).fetchone()
    assert found is not None  # an aggregate has a row
    return Landed(int(found[0]), load.path.stat().st_size, found[1], [])


def write(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write a query's rows to `path`, whole or not at all; no file where there are no rows.

    Returns:
        The number of rows.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    try:
        result = connection.execute(
            f"COPY ({query}) TO {literal(draft)} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        rows = int(result[0]) if result else 0
        if rows:
            sync(draft)
            if path.exists():  # the table's lock is held: nobody can come between this line and the next
                raise AssertionError(f"{path} is visible already and must be adopted, not written again")
            draft.rename(path)
            sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return rows


def clear_raw(load: Load) -> Path:
    """An empty folder for this load's raw pages or files; what an interrupted run left there goes."""
    shutil.rmtree(load.raw, ignore_errors=True)
    load.raw.mkdir(parents=True)
    return load.raw


def as_sentence(error: BaseException, where: str) -> WangtingError | None:
    """A full disk and DuckDB's own errors as a sentence for people; None for what is a mistake of ours."""
    if disk.is_full(error):
        return disk.full()  # the house's own trouble: no source is named
    if isinstance(error, duckdb.Error):
        return WangtingError(
            f"读取失败（{str(error).splitlines()[0]}）", place=where, mend="检查来源后再运行"
        )
    return None


def _query(load: Load, extract: Extract, casts: list[Cast], loaded_at: datetime) -> str:
    cursor = quoted(load.table.cursor) if load.table.cursor else None
    values = ", ".join(f"{one.checked} AS {quoted(one.column)}" for one in casts)
    own = "".join(f", {quoted(name)}" for name in extract.lineage)
    # DuckDB's own hash: NULL and empty text differ, the order counts. An md5 over the columns as text costs half as
    # much again as the whole extraction; 64 bits are enough because a row is only ever compared with its own key.
    hashed = ", ".join(quoted(one.column) for one in casts)
    window = ""
    if cursor is not None:
        upper = f"{cursor} <= {_moment(load.high)}"
        window = (
            f" WHERE {upper} OR {cursor} IS NULL"
            if load.low is None
            else f" WHERE {upper} AND {cursor} >= {_moment(load.low)}"
        )
    rows = (
        f"SELECT *, to_hex(hash({hashed})) AS _row_hash "
        f"FROM (SELECT {values}{own} FROM {extract.relation}){window}"
    )
    lineage = (
        f"{_constant(load.source.name)} AS _source, {_constant(load.name)} AS _table, "
        f"{_constant(load.load_id)} AS _load_id, {_moment(loaded_at)} AS _loaded_at, _row_hash"
    )
    columns = ", ".join([*(quoted(one.column) for one in casts), *map(quoted, extract.lineage)])
    return f"SELECT {columns}, {lineage} FROM ({rows}) AS rows{_without_earlier(load, extract)}"


def _without_earlier(load: Load, extract: Extract) -> str:
    """Drop what an earlier load has already: the overlap of two windows, or the whole of a table without cursor."""
    files = windows.overlapping(load)
    if not files:
        return ""
    # Of a dropped file, the same line of the same file; otherwise the same key.
    names = list(extract.lineage[:2]) or load.table.key
    by = ", ".join(map(quoted, names))
    if load.table.cursor is not None:
        # The cursor is part of the hash, so a row that went A → B → A has another hash each time.
        since = ""
        if load.low is not None and load.table.cursor is not None:
            since = f" WHERE {quoted(load.table.cursor)} >= {_moment(load.low)}"
        seen = f"SELECT {by}, _row_hash FROM read_parquet({file_list(files)}, union_by_name = true){since}"
    else:
        # Without a cursor only what was landed last of a key (of a line) counts, or the way back from B to A would be
        # lost.
        order = ", ".join(f"({literal(file)}, {number})" for number, file in enumerate(files))
        seen = (
            f"SELECT {by}, _row_hash FROM (SELECT {by}, _row_hash, number "
            f"FROM read_parquet({file_list(files)}, union_by_name = true, filename = 'path') "
            f"JOIN (VALUES {order}) AS files (path, number) USING (path)) "
            f"QUALIFY number = max(number) OVER (PARTITION BY {by})"
        )
    same = " AND ".join(
        ["rows._row_hash = seen._row_hash"]
        + [f"rows.{quoted(name)} IS NOT DISTINCT FROM seen.{quoted(name)}" for name in names]
    )
    return f" ANTI JOIN ({seen}) AS seen ON {same}"


def _constant(text: str) -> str:
    # An enumeration of one value is text in Parquet all the same, and saves looking every row up in a dictionary.
    return f"CAST({literal(text)} AS ENUM ({literal(text)}))"


def _moment(value: datetime) -> str:
    return f"TIMESTAMP {literal(value.isoformat(sep=' '))}"


def _count(connection: duckdb.DuckDBPyConnection, rest: str) -> int:
    found = connection.execute(f"SELECT count(*) {rest}").fetchone()
    return int(found[0]) if found else 0


def _without_key(connection: duckdb.DuckDBPyConnection, load: Load) -> int:
    """How many landed rows lack a part of their key, from the file's own statistics."""
    names = ", ".join(map(literal, load.table.key))
    found = connection.execute(
        "SELECT max(missing) FROM (SELECT sum(stats_null_count) AS missing "
        f"FROM parquet_metadata({literal(load.path)}) WHERE path_in_schema IN ({names}) GROUP BY path_in_schema)"
    ).fetchone()
    return int(found[0] or 0) if found else 0


def _wrong_types(
    connection: duckdb.DuckDBPyConnection, load: Load, extract: Extract, casts: list[Cast]
) -> WangtingError:
    """Which column holds values of another type, how many, and the keys of the first; never the values themselves."""
    for one in casts:
        if one.is_wrong is None:
            continue
        rest = f"FROM {extract.relation} WHERE {one.is_wrong}"
        count = _count(connection, rest)
        if not count:
            continue
        keys = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in load.table.key)
        first = connection.execute(f"SELECT {keys} {rest} ORDER BY ALL LIMIT {_SHOWN}").fetchall()
        shown = "、".join("|".join("（空）" if part is None else str(part) for part in key) for key in first)
        return WangtingError(
            f"列 {one.column} 应为 {load.table.columns[one.column]}，有 {count} 个值不是"
            f"（{'|'.join(load.table.key)} 为 {shown}{' 等' if count > _SHOWN else ''}）",
            place=place(load.source, load.name),
            mend="请来源更正这些值，或在 source.yml 中改正类型",
        )
    return WangtingError("有值的类型与声明不符", place=place(load.source, load.name), mend="检查来源后再运行")
