"""Rows that are gone at the source: found by comparing, and landed as rows that say so (`_is_deleted`).

Three ways: all keys are compared (keys), the keys of the days whose numbers differ (counts), or what was sent is the
whole table each time (snapshot). A comparison also finds what no window has seen, committed later than the table's lag
allows for, and lands it. More rows gone than the declaration allows is a fault of the source until somebody has looked:
nothing is marked then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb
from sqlalchemy import select

from ingestion import contract, landing
from ingestion.columns import duckdb_type, quoted
from ingestion.connecting import Connector, Extract, place
from ingestion.contract import BrokenContractError, Remark
from ingestion.landing import Landed, Shape, count, moment
from ingestion.windows import Load
from wangting import clock, landed, ledger
from wangting.engine import literal
from wangting.landed import Landed as Earlier
from wangting.ledger import comparisons
from wangting.source_spec import Deletes, Source

# The members of an archive together are one table.
_WHOLE = r"regexp_replace(_file, '(\.zip).+$', '\1', 'i')"


@dataclass
class Compared:
    """What came of a comparison: how many rows each side has, how many are gone, how many no window had seen."""

    source_rows: int
    landed_rows: int
    gone: int
    missed: int
    is_refused: bool = False

    def note(self, source: Source, table: str) -> None:
        """Keep it in the ledger, in place of the one before."""
        row: dict[str, Any] = {"source": source.name, "table_name": table, "compared_at": clock.now()}
        with ledger.transaction() as connection:
            ledger.upsert(connection, comparisons, [row | self.__dict__])


def is_due(source: Source, name: str, *, is_asked: bool = False) -> bool:
    """Whether the table is to be compared with the source now: its time has come, or the last one was refused.

    Args:
        is_asked: somebody wants it whatever the time.
    """
    declared = source.tables[name].deletes
    if declared is None or declared.by == "snapshot" or not landed.landed(source.name, name):
        return False
    known = ledger.rows(
        select(comparisons).where(comparisons.c.source == source.name, comparisons.c.table_name == name)
    )
    if is_asked or not known or known[0]["is_refused"]:
        return True
    # A clock that was set back must not put it off for ever.
    at = known[0]["compared_at"]
    return bool(at + declared.every <= clock.now() or at > clock.now())


def compare(
    connection: duckdb.DuckDBPyConnection, load: Load, asked: Connector
) -> tuple[Landed, Compared, list[str]]:
    """Compare a table with its source and land what is gone and what was missed, as one load.

    Returns:
        what became visible; the comparison, to be noted once the load is committed; parts that could not be read.

    Raises:
        WangtingError: the source does not answer, a column is lost, or more is gone than may be.
    """
    extract = asked.extract(connection, replace(load, low=None))
    if extract.errors:
        raise BrokenContractError(
            "来源没有读全，未比对删除",
            place=place(load.source, load.name),
            mend="先处理读取的错误",
            remark=Remark("reading", extract.errors[0]),
        )
    made, remarks = landing.shape(load, extract)
    before = landed.landed(load.source.name, load.name)
    declared = load.table.deletes
    assert declared is not None
    by = _keys(load)
    _ours(connection, load, before)
    if declared.by == "keys":
        _theirs(connection, load, made, "true")
        condition = "true"
        source_rows = count(connection, "FROM theirs")
    else:
        source_rows, condition = _differing_days(connection, load, made, str(declared.day))
        _theirs(connection, load, made, condition)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE gone AS SELECT {by} FROM ours WHERE is_asked "
        f"EXCEPT SELECT {by} FROM theirs"
    )
    if declared.by == "counts" and count(connection, "FROM gone"):
        # A row that moved to a day whose number did not change is not gone: the whole column of keys has the last word.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE all_keys AS SELECT DISTINCT {by} FROM {_named(load, made)}"
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE gone AS SELECT {by} FROM gone EXCEPT SELECT {by} FROM all_keys"
        )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE missed AS SELECT {by} FROM theirs WHERE is_due EXCEPT SELECT {by} FROM ours"
    )
    found = Compared(
        source_rows,
        count(connection, "FROM ours"),
        count(connection, "FROM gone"),
        count(connection, "FROM missed"),
    )
    _refuse_too_many(load, declared, found)
    loaded_at = clock.now()
    queries = []
    if found.missed:
        rows = f"(SELECT rows.* FROM {made.rows} AS rows SEMI JOIN missed USING ({by})) AS rows"
        queries.append(made.landing(rows, loaded_at))
        text = f"与来源比对时补取了 {found.missed} 行：它们提交得比 lag 更晚，抽取时没有看到"
        remarks.append(Remark("late", text, rows=found.missed))
    if found.gone:
        queries.append(told_gone(made, "gone", loaded_at))
        remarks.append(Remark("deleted", f"有 {found.gone} 行在来源已删除，已标记", rows=found.gone))
    if not queries:
        return Landed(0, 0, loaded_at, remarks), found, []
    written = landing.write(connection, " UNION ALL BY NAME ".join(queries), load.path)
    remarks += contract.of_a_load(connection, load.source, load.name, load.path, written - found.gone)
    return Landed(written, load.path.stat().st_size, loaded_at, remarks, found.gone), found, []


def told_gone(made: Shape, gone: str, loaded_at: datetime, *, lineage: Sequence[str] = ()) -> str:
    """SQL of the rows that tell of every key in the table `gone`; all other columns are null.

    Args:
        lineage: of the connector's own columns, those that `gone` has.
    """
    key = made.load.table.key
    values = [
        quoted(one.column)
        if one.column in key
        else f"NULL::{_type(made.load, one.column)} AS {quoted(one.column)}"
        for one in made.casts
    ]
    values += [quoted(name) if name in lineage else f"NULL AS {quoted(name)}" for name in made.lineage]
    return made.landing(
        f"(SELECT {', '.join(values)}, NULL::BIGINT AS _row_hash FROM {gone})", loaded_at, is_deleted="true"
    )


def snapshot(
    connection: duckdb.DuckDBPyConnection,
    load: Load,
    extract: Extract,
    made: Shape,
    before: Earlier,
    loaded_at: datetime,
    remarks: list[Remark],
) -> str:
    """SQL of what the whole table says otherwise than before; several files are each a whole table, by their dates.

    Raises:
        WangtingError: more is gone than may be, or a file has no rows.
    """
    declared = load.table.deletes
    assert declared is not None
    by, columns = _keys(load), ", ".join(made.columns)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE sent AS FROM {made.rows}")
    held = f"SELECT {by}, NULL::BIGINT AS _row_hash FROM sent WHERE false"
    if before:
        held = landing.newest(load.table, landed.surviving(load.table, before), before, load.table.key)
    # The same key twice is one: the last of any fixed order.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE held AS SELECT {by}, max(_row_hash) AS _row_hash FROM ({held}) GROUP BY ALL"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE changes AS SELECT *, false AS is_gone FROM sent WHERE false"
    )
    for name in _files(connection, load, extract, made):
        only = "true" if name is None else f"{_WHOLE} = {literal(name)}"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE one AS SELECT * FROM sent WHERE {only} "
            f"QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY _row_hash DESC) = 1"
        )
        number = count(connection, f"FROM sent WHERE {only}") - count(connection, "FROM one")
        if number:
            text = f"有 {number} 行与同一批中另一行的键相同，只留一行"
            remarks.append(Remark("no_key", text, column="、".join(load.table.key), rows=number))
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE gone AS SELECT {by} FROM held WHERE {_named_keys(load)} "
            f"EXCEPT SELECT {by} FROM one"
        )
        had = count(connection, "FROM held")
        found = Compared(count(connection, "FROM one"), had, count(connection, "FROM gone"), 0)
        _refuse_too_many(load, declared, found, "" if name is None else str(name))
        same = " AND ".join(
            f"here.{quoted(key)} IS NOT DISTINCT FROM held.{quoted(key)}" for key in load.table.key
        )
        connection.execute(
            f"INSERT INTO changes SELECT here.*, false FROM one AS here ANTI JOIN held "
            f"ON {same} AND here._row_hash = held._row_hash"
        )
        if found.gone:
            own = _lineage(connection, made, only)
            connection.execute(f"INSERT INTO changes BY NAME SELECT {by}{own}, true AS is_gone FROM gone")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE held AS SELECT {by}, _row_hash FROM one")
        if not load.is_replay:
            found.note(load.source, load.name)
    return made.landing(
        f"(SELECT {columns}, _row_hash, is_gone FROM changes) AS rows", loaded_at, is_deleted="is_gone"
    )


def _files(
    connection: duckdb.DuckDBPyConnection, load: Load, extract: Extract, made: Shape
) -> list[str | None]:
    """The files of a load in their order; one None where the rows come from no file."""
    if "_file" not in made.lineage:
        return [None]
    found = [
        str(row[0])
        for row in connection.execute(
            f"SELECT {_WHOLE} FROM sent GROUP BY 1 ORDER BY max(coalesce(CAST(_file_date AS VARCHAR), '')), 1"
        ).fetchall()
    ]
    # A file without a single row says that everything is gone.
    return list(found) or ([None] if extract.taken else [])


def _lineage(connection: duckdb.DuckDBPyConnection, made: Shape, only: str) -> str:
    """The file that a deletion was found in, as further columns: `, value AS name`."""
    if "_file" not in made.lineage:
        return ""
    row = connection.execute(f"SELECT max(_file), max(_file_date) FROM sent WHERE {only}").fetchone()
    if row is None or row[0] is None:
        return ""
    dated = "NULL::DATE" if row[1] is None else f"DATE {literal(row[1])}"
    return f", {literal(row[0])} AS _file, {dated} AS _file_date"


def _refuse_too_many(load: Load, declared: Deletes, found: Compared, file: str = "") -> None:
    if not found.gone or found.gone <= declared.limit * found.landed_rows:
        return
    found.is_refused = True
    if not load.is_replay:
        found.note(load.source, load.name)
    told = (
        f"来源少了 {found.gone} 行（已落地 {found.landed_rows} 行），超过 limit {declared.limit:.0%}，"
        "疑为来源有误，一行都没有标记删除"
    )
    raise BrokenContractError(
        told,
        place=place(load.source, load.name, file),
        mend="请来源核实；确属实情的，在 source.yml 中调高 deletes.limit 后再运行",
        remark=Remark(
            "refused",
            told,
            rows=found.gone,
            share=round(found.gone / found.landed_rows, 4),
            wanted=declared.limit,
        ),
    )


def _keys(load: Load) -> str:
    return ", ".join(map(quoted, load.table.key))


def _named_keys(load: Load) -> str:
    """Only a row with its whole key can be told to be gone."""
    return " AND ".join(f"{quoted(name)} IS NOT NULL" for name in load.table.key)


def _type(load: Load, column: str) -> str:
    declared = load.table.columns.get(column)
    return "VARCHAR" if declared is None else duckdb_type(declared)


def _named(load: Load, made: Shape, *columns: str) -> str:
    """SQL of some columns of the source's rows, in their declared types: only these are then read."""
    wanted = {*load.table.key, *columns}
    values = ", ".join(f"{one.checked} AS {quoted(one.column)}" for one in made.casts if one.column in wanted)
    return f"(SELECT {values} FROM {made.relation})"


def _is_due(load: Load) -> str:
    """Rows that this pull's window has reached: what is newer comes with the next pull."""
    if load.table.cursor is None:
        return "true"
    cursor = quoted(load.table.cursor)
    return f"coalesce({cursor} <= {moment(load.high)} OR {cursor} > {moment(load.ahead)}, true)"


def _theirs(connection: duckdb.DuckDBPyConnection, load: Load, made: Shape, condition: str) -> None:
    """`theirs`: the source's keys of which `condition` is true, and whether a window has reached them."""
    more = [name for name in (load.table.cursor, load.table.deletes and load.table.deletes.day) if name]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE theirs AS SELECT {_keys(load)}, bool_or({_is_due(load)}) AS is_due "
        f"FROM {_named(load, made, *more)} WHERE {_named_keys(load)} AND ({condition}) GROUP BY {_keys(load)}"
    )


def _ours(connection: duckdb.DuckDBPyConnection, load: Load, before: Earlier) -> None:
    """`ours`: the keys that the source has by what was landed, with the day by which they are counted."""
    day = load.table.deletes.day if load.table.deletes else None
    more = f", CAST({quoted(day)} AS DATE) AS day" if day else ", NULL::DATE AS day"
    newest = landing.newest(
        load.table, landed.surviving(load.table, before), before, load.table.key, more=more
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE ours AS SELECT {_keys(load)}, max(day) AS day, true AS is_asked "
        f"FROM ({newest}) WHERE {_named_keys(load)} GROUP BY {_keys(load)}"
    )


def _differing_days(
    connection: duckdb.DuckDBPyConnection, load: Load, made: Shape, day: str
) -> tuple[int, str]:
    """How many rows the source has, and the condition on its rows of the days on which the numbers differ."""
    more = [name for name in (load.table.cursor, day) if name]
    on = f"CAST({quoted(day)} AS DATE)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE days AS SELECT {on} AS day, count(DISTINCT row({_keys(load)})) AS n "
        f"FROM {_named(load, made, *more)} WHERE {_named_keys(load)} GROUP BY ALL"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE differing AS SELECT day FROM "
        "(SELECT day, n FROM days UNION ALL SELECT day, -count(*) FROM ours GROUP BY ALL) "
        "GROUP BY day HAVING sum(n) <> 0"
    )
    connection.execute(
        "UPDATE ours SET is_asked = EXISTS (SELECT 1 FROM differing WHERE differing.day IS NOT DISTINCT FROM ours.day)"
    )
    rows = connection.execute("SELECT coalesce(sum(n), 0) FROM days").fetchone()
    assert rows is not None
    condition = f"EXISTS (SELECT 1 FROM differing WHERE differing.day IS NOT DISTINCT FROM {on})"
    return int(rows[0]), condition
