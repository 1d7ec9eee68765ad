"""What tables has a database? Asked of its own catalogue: columns, comments, keys, indexes; then a sample of each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import duckdb

from ingestion.connecting import connector, place
from ingestion.databases import NAME, Database
from ingestion.found import Found, look_at
from ingestion.guessing import SAMPLED, Column, native_type, type_of
from wangting import engine, settings
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.source_spec import Source


@dataclass
class _Table:
    """A table as the catalogue has it: its columns with type and comment, its key, what its indexes begin with."""

    schema: str
    name: str
    title: str = ""
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    key: list[str] = field(default_factory=list)
    indexed: set[str] = field(default_factory=set)


_POSTGRES = """
    select n.nspname as in_schema, c.relname as table_name, coalesce(obj_description(c.oid, 'pg_class'), '') as remark,
        a.attname as column_name, format_type(a.atttypid, a.atttypmod) as kind,
        coalesce(col_description(c.oid, a.attnum), '') as column_remark,
        coalesce((
            select array_position(i.indkey::int[], a.attnum::int) from pg_index i
            where i.indrelid = c.oid and (i.indisprimary or i.indisunique) and i.indpred is null
            order by i.indisprimary desc, i.indexrelid limit 1
        ), -1) as in_key,
        exists (select 1 from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum) as is_first
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
        and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_%'
        and has_table_privilege(c.oid, 'select')
    order by n.nspname, c.relname, a.attnum"""
_MYSQL = """
    select c.table_schema as in_schema, c.table_name as table_name, coalesce(t.table_comment, '') as remark,
        c.column_name as column_name, cast(c.column_type as char(200)) as kind,
        coalesce(c.column_comment, '') as column_remark, coalesce(k.seq_in_index - 1, -1) as in_key,
        coalesce(f.is_first, 0) as is_first
    from information_schema.columns c
    join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
    left join information_schema.statistics k
        on k.table_schema = c.table_schema and k.table_name = c.table_name and k.column_name = c.column_name
        and k.index_name = (
            select s.index_name from information_schema.statistics s
            where s.table_schema = c.table_schema and s.table_name = c.table_name and s.non_unique = 0
            order by s.index_name <> 'PRIMARY', s.index_name limit 1)
    left join (
        select table_schema, table_name, column_name, 1 as is_first from information_schema.statistics
        where seq_in_index = 1 group by table_schema, table_name, column_name
    ) f on f.table_schema = c.table_schema and f.table_name = c.table_name and f.column_name = c.column_name
    where c.table_schema = database()
    order by c.table_name, c.ordinal_position"""
_SQLITE = """
    select '' as in_schema, m.name as table_name, '' as table_comment, c.name as column_name, c.type as kind,
        '' as remark, c.pk - 1 as in_key,
        c.pk = 1 or exists (
            select 1 from pragma_index_list(m.name) l, pragma_index_info(l.name) i
            where i.seqno = 0 and i.name = c.name) as is_first
    from sqlite_master m, pragma_table_info(m.name) c
    where m.type in ('table', 'view') and m.name not like 'sqlite_%'
    order by m.name, c.cid"""
_CATALOGUES = {"postgres": _POSTGRES, "mysql": _MYSQL, "sqlite": _SQLITE}


def find(source: Source, wanted: Iterable[str] = ()) -> list[Found]:
    """The tables that we may read, each with a sample looked at.

    Args:
        source: connect, url and zone are used.
        wanted: names (schema.table or table); none: all.

    Raises:
        WangtingError: the database refuses us, or has no such table.
    """
    asked = connector(source)
    assert isinstance(asked, Database)  # asked for databases only
    where = place(source)
    address = settings.resolve(source.url, place=where)
    names = list(wanted)
    with engine.connect() as connection:
        try:
            tables = _catalogue(connection, asked, source, address)
            _refuse_unknown(tables, names, where)
            chosen = [
                each
                for each in tables
                if not names or each.name in names or f"{each.schema}.{each.name}" in names
            ]
            return [_look(connection, asked, each, asked.schema(address)) for each in chosen]
        except duckdb.Error as error:
            raise asked.explained(error, "") from None


def comments(source: Source) -> dict[str, dict[str, str]]:
    """The declared tables' columns and their comments at the source.

    Raises:
        WangtingError: the database refuses us.
    """
    asked = connector(source)
    assert isinstance(asked, Database)  # asked for databases only
    address = settings.resolve(source.url, place=place(source))
    with engine.connect() as connection:
        try:
            tables = _catalogue(connection, asked, source, address)
        except duckdb.Error as error:
            raise asked.explained(error, "") from None
    known = {f"{each.schema}.{each.name}": each for each in tables} | {each.name: each for each in tables}
    return {
        name: {column: comment for column, (_, comment) in known[relation].columns.items() if comment}
        for name, table in source.tables.items()
        if (relation := table.relation or name) in known
    }


def _catalogue(
    connection: duckdb.DuckDBPyConnection, asked: Database, source: Source, address: str
) -> list[_Table]:
    engine.load_extension(connection, asked.extension)
    asked.attach(connection, address)
    query = f"FROM {source.connect}_query('{NAME}', {literal(_CATALOGUES[source.connect])})"
    return _tables(connection.execute(query).fetchall())


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value or "")


def _tables(listed: list[tuple[Any, ...]]) -> list[_Table]:
    found: dict[tuple[str, str], _Table] = {}
    keys: dict[tuple[str, str], dict[int, str]] = {}
    for schema, name, title, column, kind, comment, place_in_key, is_first in listed:
        at = (_text(schema), _text(name))
        table = found.setdefault(at, _Table(*at, title=_text(title)))
        table.columns[_text(column)] = (_text(kind), _text(comment))
        if int(place_in_key) >= 0:
            keys.setdefault(at, {})[int(place_in_key)] = _text(column)
        if is_first in (True, 1, "1", "true", "t"):
            table.indexed.add(_text(column))
    for at, parts in keys.items():
        found[at].key = [parts[number] for number in sorted(parts)]
    return list(found.values())


def _refuse_unknown(tables: list[_Table], names: list[str], where: str) -> None:
    known = {each.name for each in tables} | {f"{each.schema}.{each.name}" for each in tables}
    if missing := [name for name in names if name not in known]:
        raise WangtingError(
            f"来源没有表 {'、'.join(missing)}（或没有读取权限）",
            place=where,
            mend=f"可用的表：{'、'.join(each.name for each in tables) or '没有'}",
        )
    if not tables:
        raise WangtingError("没有可读的表", place=where, mend="请来源授予 SELECT 权限，或检查连接的是哪个库")


def _look(connection: duckdb.DuckDBPyConnection, asked: Database, table: _Table, usual: str) -> Found:
    relation = asked.whole(connection, table.schema, table.name)
    present = list(asked.columns(connection, table.schema, table.name))
    found = Found(
        table.name,
        table.title,
        [Column(name, "string", *table.columns.get(name, ("", ""))) for name in present],
        key=[name for name in table.key if name in present],
        is_key_declared=bool(table.key),
    )
    if table.schema and table.schema != usual:
        found.options["relation"] = f"{table.schema}.{table.name}"
    count = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    found.rows = int(count[0]) if count else None
    texts = ", ".join(f'CAST("{name.replace(chr(34), chr(34) * 2)}" AS VARCHAR)' for name in present)
    rows = connection.execute(f"SELECT {texts} FROM {relation} LIMIT {SAMPLED}").fetchall()
    natives = [native_type(table.columns.get(name, ("", ""))[0]) for name in present]
    if asked.kind == "sqlite":
        natives = [_of_values(kind, [row[n] for row in rows]) for n, kind in enumerate(natives)]
    return look_at(found, rows, natives=natives, indexed=table.indexed)


def _of_values(native: str | None, values: list[Any]) -> str | None:
    """A type in SQLite is a wish, and times are texts: the values decide, but digits in a text stay text."""
    given = [str(value) for value in values if value is not None]
    if native in ("int", "bigint") and all(value.lstrip("-").isdigit() for value in given):
        return native
    return "string" if native == "string" and type_of(given) in ("int", "double", "boolean") else None
