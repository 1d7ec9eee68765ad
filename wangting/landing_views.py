"""What a build sees of the landing: one view a declared table over the loads of this run, and the run's own facts."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from wangting import engine, settings
from wangting.dbt_assembly import FILE_LINEAGE, LINEAGE, Lane, lane_file
from wangting.site import Site
from wangting.source_spec import Table

Loads = dict[tuple[str, str], list[Path]]


def prepare(lane: Lane, site: Site, loads: Loads, context: dict[str, Any]) -> None:
    """Create schema `landing` (views) and `run.context` (one row) in the lane's file.

    Args:
        loads: the files of this run by source and table; a table without files gets an empty view of its types.
        context: the columns of `run.context`.
    """
    file = lane_file(lane)
    file.parent.mkdir(parents=True, exist_ok=True)
    for made in [file, *([lane_file(lane, "marts")] if lane == "warehouse" else [])]:
        if context["mode"] == "full":
            # Tables replaced in place would leave their old blocks in the file, and in every release copied from it.
            made.unlink(missing_ok=True)
            made.with_name(f"{made.name}.wal").unlink(missing_ok=True)
        _make(made)
    connection = engine.connect(file)
    try:
        connection.execute("create schema if not exists landing")
        connection.execute("create schema if not exists run")
        for source in site.sources:
            for name, table in source.tables.items():
                view = _quoted(f"{source.name}__{name}")
                query = _query(table, loads.get((source.name, name), []))
                connection.execute(f"create or replace view landing.{view} as {query}")
        values = ", ".join(f"{_value(value)} as {name}" for name, value in context.items())
        connection.execute(f"create or replace table run.context as select {values}")
    finally:
        connection.close()


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


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return f"timestamp {engine.literal(value.isoformat(sep=' '))}"
    if isinstance(value, date):
        return f"date {engine.literal(value.isoformat())}"
    return str(value) if isinstance(value, int) else engine.literal(value)


def _query(table: Table, files: list[Path]) -> str:
    columns = table.columns | LINEAGE | (FILE_LINEAGE if table.pattern else {})
    empty = ", ".join(f"cast(null as {kind}) as {_quoted(name)}" for name, kind in columns.items())
    if not files:
        return f"select {empty} where false"
    picked = ", ".join(
        f"cast({_quoted(name)} as {kind}) as {_quoted(name)}" for name, kind in columns.items()
    )
    listed = engine.file_list([settings.home() / file for file in files])
    # Files of different ages may have columns in another order, or lack one that was declared later, even all of them:
    # the empty branch names it, and costs the plan nothing.
    read = f"select * from read_parquet({listed}, union_by_name = true, hive_partitioning = false)"
    return f"select {picked} from ({read} union all by name select {empty} where false)"
