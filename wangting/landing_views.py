"""What a build sees of the landing: one view a declared table over the loads of this run, and the run's own facts."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
from sqlalchemy import func, select

from wangting import engine, frozen, landed, ledger
from wangting.dbt_assembly import FILE_LINEAGE, LINEAGE, Assembly, Lane, lane_file
from wangting.landed import Landed
from wangting.site import Site
from wangting.source_spec import Table

Loads = dict[tuple[str, str], Landed]


def context_of(
    site: Site, assembly: Assembly, *, mode: str, as_of: datetime, run_no: int, units_on: date | None = None
) -> dict[str, Any]:
    """The columns of `run.context`: what a build stands for.

    Args:
        mode: full, incremental or repeat. as_of: the moment that the models take for now.
        run_no: the build's number in its lane.
        units_on: the day by whose departments and regions every period is reported; None: each by its own.
    """
    return {
        "as_of": as_of,
        "mode": mode,
        "go_live": site.go_live,
        "rule_version": assembly.rule_version,
        "earliest": date.fromisoformat(assembly.earliest),
        "run_no": run_no,
        "units_on": units_on,
    }


def prepare(
    lane: Lane,
    site: Site,
    loads: Loads,
    context: dict[str, Any],
    *,
    case_tables: Collection[tuple[str, str]] = (),
    kind_tables: Mapping[str, Collection[tuple[str, str]]] = MappingProxyType({}),
    up_to: int | None = None,
    aside: bool = False,
) -> None:
    """Create schema `landing` (views), `run.context` (one row), `run.removed_cases` and `run.whole_kinds`.

    A view shows the rows of this run's loads, without those that are gone at the source and without the rows that tell
    it. Where a regular run's loads tell it of a case's rows, `run.removed_cases` has the case, and the views show all
    that is left of it from every load: what the lane holds of it is then computed from nothing, as in a full build.
    Where they tell it of rows of another kind, `run.whole_kinds` has the kind's model, and the views of its tables show
    all that is left.

    Args:
        loads: this run's loads by source and table; a table without any gets an empty view of its types.
        context: the columns of `run.context`, as `context_of` gives them.
        case_tables: the tables whose rows are of cases.
        kind_tables: the tables of each kind whose rows are of no case.
        up_to: the newest load of this run, by its place in the order of commit.
        aside: for the lane's file aside.
    """
    file = lane_file(lane, aside=aside)
    file.parent.mkdir(parents=True, exist_ok=True)
    for made in [file, *([lane_file(lane, "marts", aside=aside)] if lane == "warehouse" else [])]:
        if context["mode"] == "full":
            # Tables replaced in place would leave their old blocks in the file, and in every release copied from it.
            made.unlink(missing_ok=True)
            made.with_name(f"{made.name}.wal").unlink(missing_ok=True)
        _make(made)
    connection = engine.connect(file)
    try:
        connection.execute("create schema if not exists landing")
        connection.execute("create schema if not exists run")
        connection.execute("create or replace table run.removed_cases (case_no varchar)")
        connection.execute("create or replace table run.whole_kinds (model_name varchar)")
        tables = {
            (source.name, name): table for source in site.sources for name, table in source.tables.items()
        }
        again, whole = False, frozenset[tuple[str, str]]()
        if context["mode"] != "full":
            again = _find_removed(
                connection, {key: tables[key] for key in case_tables if key in tables}, loads, up_to
            )
            whole = _find_whole(connection, kind_tables, loads)
        for (source_name, name), table in tables.items():
            view = landed.quoted(f"{source_name}__{name}")
            new = loads.get((source_name, name), Landed())
            if (source_name, name) in whole:
                new = landed.landed(source_name, name, up_to=up_to)
            known = (
                landed.landed(source_name, name, up_to=up_to)
                if again and (source_name, name) in case_tables
                else None
            )
            connection.execute(f"create or replace view landing.{view} as {_query(table, new, known)}")
        if lane == "warehouse":
            _list_last_loads(connection)
            _show_frozen(connection, context["as_of"])
        values = ", ".join(f"{_value(value)} as {name}" for name, value in context.items())
        connection.execute(f"create or replace table run.context as select {values}")
    finally:
        connection.close()


def stood_for(lane: Lane) -> datetime | None:
    """The moment that the lane's last build stood for; none where it is not known, or a file of the lane is gone."""
    files = [lane_file(lane), *([lane_file(lane, "marts")] if lane == "warehouse" else [])]
    if not all(file.is_file() for file in files):
        return None
    connection = engine.connect(files[0])
    try:
        found = connection.execute("select as_of from run.context").fetchall()
    except duckdb.CatalogException:
        return None
    finally:
        connection.close()
    return found[0][0] if found else None


def _make(file: Path) -> None:
    """A new database file in DuckDB's newest storage format, which writes text in two thirds of the time."""
    if file.exists():
        return
    draft = file.with_name(f".{file.name}")  # killed at this moment, it must not leave half a header
    draft.unlink(missing_ok=True)
    connection = engine.connect()
    try:
        connection.execute(f"attach {engine.literal(draft)} as made (storage_version 'latest')")
    finally:
        connection.close()
    draft.rename(file)


def _find_removed(
    connection: duckdb.DuckDBPyConnection,
    tables: dict[tuple[str, str], Table],
    loads: Loads,
    up_to: int | None,
) -> bool:
    """Fill `run.removed_cases`: the cases of which this run's loads tell that a row is gone; whether there are any.

    A case is known by its number as the source wrote it, and by what the lane made of it: the records that count now
    and came from a row that is gone.
    """
    records = [
        str(row[0])
        for row in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'main' and database_name = current_database()"
            " and regexp_matches(table_name, '^int_.*_deduplicated$')"
        ).fetchall()
    ]
    found = False
    for (source, name), table in tables.items():
        new = loads.get((source, name))
        if new is None or not new.is_deleting or table.case_no is None:
            continue
        found = True
        known = landed.landed(source, name, up_to=up_to)
        same = " and ".join(f"here.{landed.quoted(key)} = gone.{landed.quoted(key)}" for key in table.key)
        connection.execute(
            f"create or replace temp table gone as select here.{landed.quoted(table.case_no)} as case_no, "
            f"here._load_id as load_id, here._row_hash as row_hash from {landed.relation(known)} as here "
            f"semi join {landed.gone(table, new)} as gone on {same}"
        )
        number = "trim(cast(case_no as varchar))"
        connection.execute(
            f"insert into run.removed_cases select distinct {number} from gone where {number} <> ''"
        )
        for record in records:
            connection.execute(
                f"insert into run.removed_cases select distinct held.application_no from main.{record} as held "
                "join gone on held._load_id = gone.load_id and held._row_hash = gone.row_hash "
                f"where held._source = {engine.literal(source)}"
            )
    if found:
        connection.execute(
            "create or replace table run.removed_cases as select distinct case_no from run.removed_cases"
        )
    return found


def _find_whole(
    connection: duckdb.DuckDBPyConnection,
    kind_tables: Mapping[str, Collection[tuple[str, str]]],
    loads: Loads,
) -> frozenset[tuple[str, str]]:
    """Fill `run.whole_kinds`: the kinds of which this run's loads tell that a row is gone; all their tables."""
    deleting = {key for key, rows in loads.items() if rows.is_deleting}
    found = {kind: tables for kind, tables in kind_tables.items() if deleting.intersection(tables)}
    for kind in found:
        connection.execute("insert into run.whole_kinds values (?)", [f"int_{kind}_latest"])
    return frozenset(key for tables in found.values() for key in tables)


def _list_last_loads(connection: duckdb.DuckDBPyConnection) -> None:
    """Table `run.last_loads`: when rows last came, by source and table; for dbt's source freshness."""
    loads = ledger.loads
    query = (
        select(loads.c.source, loads.c.table_name, func.max(loads.c.loaded_at).label("at"))
        .where(loads.c.state == "committed")
        .group_by(loads.c.source, loads.c.table_name)
    )
    found = [(row["source"], row["table_name"], row["at"]) for row in ledger.rows(query)]
    columns = {"source_name": "VARCHAR", "table_name": "VARCHAR", "loaded_at": "TIMESTAMP"}
    connection.execute(f"create or replace table run.last_loads as from {engine.given(columns, found)}")


def _show_frozen(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """View `run.frozen_values`: the figures of the months that were frozen at that moment."""
    empty = (
        "select cast(null as varchar) as frozen_month, cast(null as timestamp) as frozen_at, "
        + ", ".join(f"cast(null as varchar) as {name}" for name in frozen.NAMED_BY)
        + ", "
        + ", ".join(f"cast(null as bigint) as {name}" for name in frozen.COUNTS)
        + " where false"
    )
    branches = [
        f"select {engine.literal(one.month)} as frozen_month, {_value(one.frozen_at)} as frozen_at, * "
        f"from read_parquet({engine.literal(one.path)})"
        for one in frozen.months()
        if one.frozen_at <= as_of
    ]
    connection.execute(
        f"create or replace view run.frozen_values as {' union all by name '.join([empty, *branches])}"
    )


def _value(value: Any) -> str:
    if value is None:
        return "cast(null as date)"
    if isinstance(value, datetime):
        return f"timestamp {engine.literal(value.isoformat(sep=' '))}"
    if isinstance(value, date):
        return f"date {engine.literal(value.isoformat())}"
    return str(value) if isinstance(value, int) else engine.literal(value)


def _query(table: Table, new: Landed, known: Landed | None) -> str:
    """The rows of the `new` loads, and of all `known` ones those of the removed cases."""
    columns = table.columns | LINEAGE | (FILE_LINEAGE if table.pattern else {})
    empty = ", ".join(f"cast(null as {kind}) as {landed.quoted(name)}" for name, kind in columns.items())
    rows = new if known is None else known
    if not rows:
        return f"select {empty} where false"
    picked = ", ".join(
        f"cast({landed.quoted(name)} as {kind}) as {landed.quoted(name)}" for name, kind in columns.items()
    )
    # Files of different ages may have columns in another order, or lack one that was declared later, even all of them:
    # the empty branch names it, and costs the plan nothing.
    read = f"select * from {landed.surviving(table, rows)} union all by name select {empty} where false"
    if known is None:
        return f"select {picked} from ({read})"
    conditions = [f"_load_id in ({', '.join(map(engine.literal, new.loads))})"] if new else []
    if table.case_no is not None:
        case_no = f"trim(cast({landed.quoted(table.case_no)} as varchar))"
        conditions.append(f"{case_no} in (select removed.case_no from run.removed_cases as removed)")
    return f"select {picked} from ({read}) where {' or '.join(conditions) or 'false'}"
