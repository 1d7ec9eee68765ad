"""What does a system beside the platform hold, and what did it hold at every moment? One declaration a table.

A table is told as the list of all versions that its rows ever have, a pure function of the city's seed, its people, its
items and its cases. What is visible at a moment, what changed between two moments and what is true follow from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from simulator import places
from wangting.engine import literal

if TYPE_CHECKING:
    from simulator.city import City

Query = Callable[[str], str]
CURRENT, CHANGED = "current_rows", "changed_keys"
_NOTES = ("seen_at", "gone_at")


@dataclass(frozen=True)
class Table:
    """One table of a system.

    Attributes:
        source: the source's name, as in sites/<site>/sources. name: the table's name there.
        key: the columns that name a row.
        of_world: takes a moment (SQL), gives a query over the city's people and items: every version that is visible by
            then, in the columns that the source shows, then `seen_at` and `gone_at` (when the row is no more, or null).
        of_cases: the same over `plan`: every version that ever comes of these cases, also those still ahead.
        file: the name of the service's file, where it is not <source>__<name>.
        until: after this moment nothing comes any more; None: it goes on.
    """

    source: str
    name: str
    key: tuple[str, ...]
    of_world: Query | None = None
    of_cases: str | None = None
    file: str | None = None
    until: datetime | None = None

    @property
    def full_name(self) -> str:
        """<source>__<table>, as in files and views."""
        return f"{self.source}__{self.name}"

    @property
    def keys(self) -> str:
        """The key's columns as SQL."""
        return ", ".join(map(quoted, self.key))


def quoted(name: str) -> str:
    """A column's name as SQL: some systems name theirs in Chinese."""
    return f'"{name}"'


def at(moment: datetime) -> str:
    """A moment as SQL."""
    return f"timestamp '{moment}'"


def prepare(connection: duckdb.DuckDBPyConnection, site: Path, seed: int) -> None:
    """The macros that the tables' queries share, and `areas` (place from 0, code of six digits, name): the counties.

    A city without counties is divided into its towns instead.

    `division()`, `city()`: the city's own code of six digits, and its name.

    `pick(salt, id, m)`: a number from 0 to m - 1, the same for the same seed. `office(day, salt, id)`: a second of
    that day's office hours. `written(seen, id)`: the write time of a row that can be read from `seen` on; one in ten
    was committed late, up to nine minutes after it.
    """
    connection.execute(f"create or replace macro pick(salt, id, m) as (hash({seed}, salt, id) % m)::bigint")
    connection.execute(
        "create or replace macro office(day, salt, id) as"
        " day::date::timestamp + to_seconds(31000 + pick(concat(salt, '.second'), id, 30000))"
    )
    connection.execute(
        "create or replace macro written(seen, id) as seen - to_seconds(case when pick('late', id, 10) = 0"
        " then 30 + pick('by', id, 500) else pick('by', id, 5) end)"
    )

    regions = list(places.regions(site).values())
    top = next(region for region in regions if not region.parent_code)
    lower = [region for region in regions if region.level == "county"] or regions[1:] or [top]
    rows = ", ".join(f"({n}, '{each.code[:6]}', '{each.name}')" for n, each in enumerate(lower))
    connection.execute(f"create or replace table areas as from (values {rows}) areas(place, code, name)")
    connection.execute(f"create or replace macro division() as '{top.code[:6]}'")
    connection.execute(f"create or replace macro city() as '{top.name}'")


class Books:
    """The versions of some tables as far as the city has come, under `simulator/planned` and `simulator/truth`."""

    def __init__(self, city: "City") -> None:
        self._connection, self._folder = city.connection, city.folder
        (self._folder / "planned").mkdir(exist_ok=True)
        prepare(city.connection, city.site, city.settings.seed)

    def _planned(self, table: Table) -> Path:
        return self._folder / "planned" / f"{table.full_name}.parquet"

    def forget(self, table: Table) -> None:
        """No case was ever planned."""
        self._planned(table).unlink(missing_ok=True)
        self._connection.execute(f"drop table if exists planned_{table.full_name}")

    def plan(self, table: Table) -> None:
        """Add the versions that come of the plan's cases, but for cases known already."""
        if table.of_cases is None:
            return
        name, path = f"planned_{table.full_name}", self._planned(table)
        known = f"read_parquet({literal(path)})" if path.exists() else f"({table.of_cases}) limit 0"
        self._connection.execute(f"create table if not exists {name} as select * from {known}")
        self._connection.execute(
            f"insert into {name} by name select new.* from ({table.of_cases}) new"
            f" anti join {name} known using ({table.keys})"
        )

    def read(self, table: Table, since: datetime, until: datetime) -> None:
        """Write the table's truth at `until`, and make `current_rows` and `changed_keys` (of (since, until])."""
        parts = []
        if table.of_cases is not None:
            name, path = f"planned_{table.full_name}", self._planned(table)
            _copy(self._connection, f"select * from {name}", path)
            self._connection.execute(f"drop table {name}")
            parts.append(f"select * from read_parquet({literal(path)})")
        if table.of_world is not None:
            parts.append(f"select * from ({table.of_world(at(until))})")
        self._connection.execute(
            "create or replace temp table known_versions as select * replace"
            f" (case when gone_at <= {at(until)} then gone_at end as gone_at)"
            f" from ({' union all by name '.join(parts)})"
            f" where seen_at <= {at(until)} and (gone_at is null or seen_at < gone_at)"
        )
        order = f"order by {table.keys}, seen_at"
        _copy(
            self._connection,
            f"select * from known_versions {order}",
            self._folder / "truth" / f"{table.full_name}.parquet",
        )
        self._connection.execute(
            f"create or replace temp table {CURRENT} as select * exclude (seen_at, gone_at) from known_versions"
            f" where gone_at is null qualify row_number() over (partition by {table.keys} order by seen_at desc) = 1"
        )
        self._connection.execute(
            f"create or replace temp table {CHANGED} as select distinct {table.keys} from known_versions"
            f" where seen_at > {at(since)} or gone_at > {at(since)}"
        )


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    draft = path.with_name(f".{path.name}.new")
    connection.execute(f"copy ({query}) to {literal(draft)} (format parquet, compression zstd)")
    draft.replace(path)
