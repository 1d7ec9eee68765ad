"""Landing: an extract becomes one immutable Parquet file, or nothing.

Columns as the source has them (declared ones in their declared type), then the connector's own (_file …), then
_source, _table, _load_id, _loaded_at, _row_hash, _is_deleted. Written under a temporary name, synced, renamed: what is
visible is whole, and what is visible is never written again.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion import contract, windows
from ingestion.columns import Cast, cast, compare, quoted
from ingestion.connecting import Extract, place
from ingestion.contract import BrokenContractError, Remark
from ingestion.windows import Load
from wangting import clock, disk, landed
from wangting.disk import sync
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.landed import Landed as Earlier
from wangting.source_spec import Table

_SHOWN = 3  # keys named in an error


@dataclass(frozen=True)
class Landed:
    """What became visible; without rows there is no file.

    Attributes:
        rows: all of them; deleted: those that say that a row is gone.
        cursor_high: the latest cursor, where it lies beyond the load's window.
    """

    rows: int
    size: int
    loaded_at: datetime
    remarks: list[Remark] = field(default_factory=list)
    deleted: int = 0
    cursor_high: datetime | None = None

    @property
    def warnings(self) -> list[str]:
        """The remarks' sentences."""
        return [remark.text for remark in self.remarks]


@dataclass(frozen=True)
class Shape:
    """How an extract's columns become the landing's.

    Attributes:
        casts: one a column, declared ones first. lineage: the connector's own columns.
        relation: SQL of the rows as the source has them.
    """

    load: Load
    relation: str
    casts: Sequence[Cast]
    lineage: Sequence[str]

    @property
    def columns(self) -> list[str]:
        """Every column before the landing's own, in SQL."""
        return [*(quoted(one.column) for one in self.casts), *map(quoted, self.lineage)]

    @property
    def rows(self) -> str:
        """SQL of the rows in their declared types, each with its hash."""
        values = ", ".join(f"{one.checked} AS {quoted(one.column)}" for one in self.casts)
        own = "".join(f", {quoted(name)}" for name in self.lineage)
        # DuckDB's own hash: NULL and empty text differ, the order counts. An md5 over the columns as text costs half as
        # much again as the whole extraction; 63 bits are enough because a row is only ever compared with its own key.
        # As a whole number with a sign: every reader of Parquet has one, and as text it would cost twice to write.
        hashed = ", ".join(quoted(one.column) for one in self.casts)
        own_hash = f"CAST(hash({hashed}) >> 1 AS BIGINT) AS _row_hash"
        return f"(SELECT *, {own_hash} FROM (SELECT {values}{own} FROM {self.relation}))"

    def landing(self, rows: str, loaded_at: datetime, *, is_deleted: str = "false") -> str:
        """SQL of `rows` as they are written."""
        load = self.load
        return (
            f"SELECT {', '.join(self.columns)}, {_constant(load.source.name)} AS _source, "
            f"{_constant(load.name)} AS _table, {_constant(load.load_id)} AS _load_id, "
            f"{moment(loaded_at)} AS _loaded_at, _row_hash, {is_deleted} AS _is_deleted FROM {rows}"
        )


def shape(load: Load, extract: Extract) -> tuple[Shape, list[Remark]]:
    """How the extract lands, and what it does not keep of its promise.

    Raises:
        BrokenContractError: a declared column is gone; the table stops, nothing is guessed.
    """
    table = load.table
    missing, new = compare(table.columns, extract.present)
    if missing:
        listed = "、".join(missing)
        raise BrokenContractError(
            f"来源缺少列 {listed}",
            place=place(load.source, load.name),
            mend="请来源恢复该列，或在 source.yml 中改正 columns",
            remark=Remark("missing_column", f"来源缺少列 {listed}", column=listed),
        )
    remarks = [Remark("reading", text) for text in extract.warnings]
    new = [name for name in new if name not in extract.lineage]
    if new:
        listed = "、".join(new)
        text = f"来源多出未声明的列 {listed}，已按原样落地；请在 source.yml 中声明"
        remarks.append(Remark("new_column", text, column=listed))
    casts = [
        cast(name, kind, extract.present[name], source_zone=load.source.zone, zone=load.zone)
        for name, kind in table.columns.items()
    ] + [Cast(name, quoted(name)) for name in new]
    return Shape(load, extract.relation, casts, tuple(extract.lineage)), remarks


def land(
    connection: duckdb.DuckDBPyConnection,
    load: Load,
    extract: Extract,
    *,
    path: Path | None = None,
    loaded_at: datetime | None = None,
    earlier: Earlier | None = None,
) -> Landed:
    """Write the rows of the extract that no earlier load has.

    Args:
        path, loaded_at, earlier: of a replay: where its file goes, when it was first landed, what was before it.

    Raises:
        WangtingError: a lost column, a value of another type, more rows gone than may be, a full disk; nothing has
            become visible.
    """
    made, remarks = shape(load, extract)
    path, loaded_at = path or load.path, loaded_at or clock.now()
    before = windows.overlapping(load) if earlier is None else earlier
    try:
        if load.table.deletes and load.table.deletes.by == "snapshot":
            from ingestion import deletes

            query = deletes.snapshot(connection, load, extract, made, before, loaded_at, remarks)
        else:
            rows_of_window = f"(FROM {made.rows}{_window(load)}) AS rows"
            query = made.landing(f"{rows_of_window}{_without(load, extract, before)}", loaded_at)
        rows = write(connection, query, path, is_first=not before)
    except duckdb.Error as error:
        if "wrong type: " in str(error):
            raise _wrong_types(connection, load, extract, made.casts) from None
        raise
    if not rows:
        return Landed(0, 0, loaded_at, remarks)
    deleted, cursor_high = _looked_over(connection, load, path, rows, remarks)
    remarks += contract.of_a_load(connection, load.source, load.name, path, rows - deleted)
    return Landed(rows, path.stat().st_size, loaded_at, remarks, deleted, cursor_high)


def _looked_over(
    connection: duckdb.DuckDBPyConnection, load: Load, path: Path, rows: int, remarks: list[Remark]
) -> tuple[int, datetime | None]:
    """How many of the landed rows are deletes, and the latest cursor beyond the window; adds what it notices."""
    table = load.table
    read = f"FROM read_parquet({literal(path)}, hive_partitioning = false)"
    deleted = count(connection, f"{read} WHERE _is_deleted") if table.deletes else 0
    if deleted:
        remarks.append(Remark("deleted", f"有 {deleted} 行在来源已删除，已标记", rows=deleted))
    if unnamed := _without_key(connection, load, path):
        text = f"有 {unnamed} 行的键 {'、'.join(table.key)} 有空值；没有流水号或编码的行只留在落地层"
        remarks.append(Remark("no_key", text, column="、".join(table.key), rows=unnamed))
    if table.cursor is None:
        return deleted, None
    cursor = quoted(table.cursor)
    if not _is_conspicuous(connection, load, path):
        return deleted, None
    if load.low is None and (
        without := count(connection, f"{read} WHERE {cursor} IS NULL AND _is_deleted IS NOT TRUE")
    ):
        text = f"有 {without} 行 {table.cursor} 为空：只在首次或全量抽取时取到，以后的变化看不见"
        remarks.append(Remark("no_cursor", text, column=table.cursor, rows=without))
    if load.kind is not None:
        return deleted, None
    found = connection.execute(
        f"SELECT least(max({cursor}), TIMESTAMP '9999-12-31'), count(*) FILTER ({cursor} > {moment(load.ahead)}) {read}"
    ).fetchone()
    if found is None or not found[1]:
        return deleted, None
    latest, number = found
    text = (
        f"有 {number} 行 {table.cursor} 比抽取时刻晚一天以上（最晚 {latest:%Y-%m-%d}），已照样落地；"
        "请来源核对时钟或更正该值"
    )
    remarks.append(Remark("ahead", text, column=table.cursor, rows=number))
    return deleted, latest


def adopt(connection: duckdb.DuckDBPyConnection, load: Load) -> Landed:
    """Take over the file that an interrupted run of this very load has already made visible."""
    found = connection.execute(
        f"SELECT count(*), max(_loaded_at) FROM read_parquet({literal(load.path)}, hive_partitioning = false)"
    ).fetchone()
    assert found is not None  # an aggregate has a row
    remarks: list[Remark] = []
    deleted, cursor_high = _looked_over(connection, load, load.path, int(found[0]), remarks)
    remarks += contract.of_a_load(connection, load.source, load.name, load.path, int(found[0]) - deleted)
    return Landed(int(found[0]), load.path.stat().st_size, found[1], remarks, deleted, cursor_high)


def write(connection: duckdb.DuckDBPyConnection, query: str, path: Path, *, is_first: bool = True) -> int:
    """Write a query's rows to `path`, whole or not at all; no file where there are no rows.

    Args:
        is_first: there will be rows, probably many. Otherwise they are looked for first: that there is no news is what
            happens most, and a file for it costs more than the question.

    Returns:
        The number of rows.
    """
    if not is_first:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE news AS {query}")
        query = "FROM news"
        if not count(connection, query):
            return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    try:
        # Over a draft that a killed run left, DuckDB would write beside it, under a name that nobody would clear away.
        result = connection.execute(
            f"COPY ({query}) TO {literal(draft)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
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
        if not is_first:
            connection.execute("DROP TABLE IF EXISTS news")
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


def _window(load: Load) -> str:
    """The condition on the cursor; of a pull also what lies so far ahead that its time would never come."""
    if load.table.cursor is None:
        return ""
    cursor = quoted(load.table.cursor)
    upper = f"{cursor} <= {moment(load.high)}"
    if load.kind is None:
        upper = f"({upper} OR {cursor} > {moment(load.ahead)})"
    if load.low is None:
        return f" WHERE {upper} OR {cursor} IS NULL"
    return f" WHERE {upper} AND {cursor} >= {moment(load.low)}"


def _without(load: Load, extract: Extract, before: Earlier) -> str:
    """Drop what an earlier load has already: the overlap of two windows, or the whole of a table without cursor."""
    if not before:
        return ""
    # Of a dropped file, the same line of the same file; otherwise the same key.
    names = [name for name in extract.lineage if name != "_file_date"] or load.table.key
    by = ", ".join(map(quoted, names))
    known = landed.surviving(load.table, before)
    if load.table.cursor is not None:
        # The cursor is part of the hash, so a row that went A → B → A has another hash each time.
        since = "" if load.low is None else f" WHERE {quoted(load.table.cursor)} >= {moment(load.low)}"
        seen = f"SELECT {by}, _row_hash FROM {known}{since}"
    else:
        seen = newest(load.table, known, before, names)
    same = " AND ".join(
        ["rows._row_hash = seen._row_hash"]
        + [f"rows.{quoted(name)} IS NOT DISTINCT FROM seen.{quoted(name)}" for name in names]
    )
    return f" ANTI JOIN ({seen}) AS seen ON {same}"


def newest(table: Table, known: str, before: Earlier, names: Sequence[str], *, more: str = "") -> str:
    """SQL of what was landed last of each key (of each line): its columns `names` and `_row_hash`.

    Without a cursor only that counts, or the way back from B to A would be lost. Rows without the whole key are each a
    key of their own.

    Args:
        more: further columns, in SQL, each with a comma before it.
    """
    by, place = ", ".join(map(quoted, names)), landed.place(table, "rows")
    return (
        f"SELECT {by}, _row_hash{more} FROM (SELECT rows.*, loads._commit_seq FROM {known} AS rows "
        f"JOIN {landed.order(before)} AS loads ON rows._load_id = loads.load_id) AS rows "
        f"QUALIFY {place} = max({place}) OVER (PARTITION BY {by})"
    )


def _constant(text: str) -> str:
    # An enumeration of one value is text in Parquet all the same, and saves looking every row up in a dictionary.
    return f"CAST({literal(text)} AS ENUM ({literal(text)}))"


def moment(value: datetime) -> str:
    """A time as an SQL literal."""
    return f"TIMESTAMP {literal(value.isoformat(sep=' '))}"


def count(connection: duckdb.DuckDBPyConnection, rest: str) -> int:
    """How many rows `rest` (FROM …) has."""
    found = connection.execute(f"SELECT count(*) {rest}").fetchone()
    return int(found[0]) if found else 0


def _without_key(connection: duckdb.DuckDBPyConnection, load: Load, path: Path) -> int:
    """How many landed rows lack a part of their key, from the file's own statistics."""
    names = ", ".join(map(literal, load.table.key))
    found = connection.execute(
        "SELECT max(missing) FROM (SELECT sum(stats_null_count) AS missing "
        f"FROM parquet_metadata({literal(path)}) WHERE path_in_schema IN ({names}) GROUP BY path_in_schema)"
    ).fetchone()
    return int(found[0] or 0) if found else 0


def _is_conspicuous(connection: duckdb.DuckDBPyConnection, load: Load, path: Path) -> bool:
    """Whether a landed file may have rows without cursor, or with one that lies ahead: by the file's own statistics.

    They cost nothing, and nearly always spare reading the column again.
    """
    found = connection.execute(
        "SELECT sum(stats_null_count), max(try_cast(stats_max AS TIMESTAMP)), count(*) = count(stats_null_count), "
        "count(*) FILTER (stats_max IS NULL AND stats_null_count < num_values) "
        f"FROM parquet_metadata({literal(path)}) WHERE path_in_schema = {literal(load.table.cursor)}"
    ).fetchone()
    if found is None or not found[2] or found[3]:
        return True  # no statistics
    return bool(found[0]) or found[1] is None or found[1] > load.ahead


def _wrong_types(
    connection: duckdb.DuckDBPyConnection, load: Load, extract: Extract, casts: Sequence[Cast]
) -> WangtingError:
    """Which column holds values of another type, how many, and the keys of the first; never the values themselves."""
    for one in casts:
        if one.is_wrong is None:
            continue
        rest = f"FROM {extract.relation} WHERE {one.is_wrong}"
        wrong = count(connection, rest)
        if not wrong:
            continue
        keys = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in load.table.key)
        first = connection.execute(f"SELECT {keys} {rest} ORDER BY ALL LIMIT {_SHOWN}").fetchall()
        shown = "、".join("|".join("（空）" if part is None else str(part) for part in key) for key in first)
        told = (
            f"列 {one.column} 应为 {load.table.columns[one.column]}，有 {wrong} 个值不是"
            f"（{'|'.join(load.table.key)} 为 {shown}{' 等' if wrong > _SHOWN else ''}）"
        )
        return BrokenContractError(
            told,
            place=place(load.source, load.name),
            mend="请来源更正这些值，或在 source.yml 中改正类型",
            remark=Remark("wrong_type", told, column=one.column, rows=wrong),
        )
    return WangtingError("有值的类型与声明不符", place=place(load.source, load.name), mend="检查来源后再运行")
