"""Where do the systems beside the platform keep their rows? Behind HTTP, in PostgreSQL, in SQLite, as dropped files."""

import csv
import io
import shutil
import sqlite3
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.systems.tables import CHANGED, CURRENT, Books, Table, at, quoted
from wangting.engine import literal

if TYPE_CHECKING:
    from simulator.city import City

DATABASE = "city_registers"
_TYPES = {
    "VARCHAR": "text",
    "TIMESTAMP": "timestamp",
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "DATE": "date",
}


@dataclass
class Kept(ABC):
    """Some systems of one kind of store. It keeps no state but what lies in the city's folder.

    Attributes:
        name: of the kind. tables: of all its systems.
    """

    name: str
    tables: tuple[Table, ...]

    def create(self, city: "City") -> None:
        """Make the empty store."""
        books = Books(city)
        for table in self.tables:
            books.forget(table)

    def advance(self, city: "City", since: datetime, until: datetime) -> None:
        """Take in the plan's cases; at a whole step, show what became visible in (since, until]."""
        books = Books(city)
        for table in self.tables:
            books.plan(table)
        if not city.is_whole:
            return
        with self._open(city) as store:
            for table in self.tables:
                if table.until is not None and since >= table.until:
                    continue
                books.read(table, since, until)
                self._show(city, store, table, since, until)

    def start(self, home: Path) -> dict[str, str]:
        """Nothing to start."""
        return {}

    def stop(self, home: Path) -> bool:
        """Nothing to stop."""
        return False

    def _open(self, city: "City") -> Any:
        from contextlib import nullcontext

        return nullcontext()

    @abstractmethod
    def _show(self, city: "City", store: Any, table: Table, since: datetime, until: datetime) -> None:
        """Show what became visible of one table in (since, until]."""


class Served(Kept):
    """Systems behind the simulator's HTTP services, which show a Parquet file each."""

    def _show(self, city: "City", store: Any, table: Table, since: datetime, until: datetime) -> None:
        path = city.folder / "emitted" / f"{table.file or table.full_name}.parquet"
        draft = path.with_name(f".{path.name}.new")
        city.connection.execute(
            f"copy (from {CURRENT}) to {literal(draft)} (format parquet, compression zstd)"
        )
        draft.replace(path)


@dataclass
class InPostgres(Kept):
    """Systems whose tables the city's exchange database shows, a schema each; rows change and go in place.

    Attributes:
        addresses: the names under which the sources know that database.
    """

    addresses: tuple[str, ...] = ()

    def create(self, city: "City") -> None:
        """Make the database, its schemas and its empty tables."""
        super().create(city)
        city.server.make_database(DATABASE)
        with self._open(city):
            for table in self.tables:
                city.connection.execute(f"create schema if not exists {DATABASE}.{table.source}")

    def start(self, home: Path) -> dict[str, str]:
        """The database's address, which runs with the platform's server."""
        from simulator.postgres import Server

        url = Server(home / "simulator" / "postgres").url(DATABASE)
        return dict.fromkeys(self.addresses, url)

    def _open(self, city: "City") -> Any:
        return city.server.attached(city.connection, (DATABASE,))

    def _show(self, city: "City", store: Any, table: Table, since: datetime, until: datetime) -> None:
        connection = city.connection
        relation = f"{DATABASE}.{table.source}.{table.name}"
        columns = connection.execute(f"describe {CURRENT}").fetchall()
        listed = ", ".join(f"{quoted(name)} {_TYPES.get(kind, kind)}" for name, kind, *_ in columns)
        connection.execute(f"create table if not exists {relation} ({listed}, primary key ({table.keys}))")
        connection.execute("begin transaction")
        connection.execute(f"delete from {relation} where ({table.keys}) in (from {CHANGED})")
        connection.execute(
            f"insert into {relation} by name from {CURRENT} semi join {CHANGED} using ({table.keys})"
        )
        connection.execute("commit")


class InSqlite(Kept):
    """Small systems of one office that keep a SQLite file each; rows change and go in place."""

    def create(self, city: "City") -> None:
        """Remove the old file."""
        super().create(city)
        for source in {table.source for table in self.tables}:
            shutil.rmtree(city.folder / source, ignore_errors=True)
            (city.folder / source).mkdir()

    def start(self, home: Path) -> dict[str, str]:
        """Where the files are."""
        return {
            f"{source.upper()}_URL": f"sqlite:///{home.absolute() / 'simulator' / source / f'{source}.db'}"
            for source in {table.source for table in self.tables}
        }

    def _show(self, city: "City", store: Any, table: Table, since: datetime, until: datetime) -> None:
        connection = city.connection
        columns = [name for name, *_ in connection.execute(f"describe {CURRENT}").fetchall()]
        rows = connection.execute(
            f"select {', '.join(f'{quoted(name)}::varchar' for name in columns)} from {CURRENT}"
            f" semi join {CHANGED} using ({table.keys})"
        ).fetchall()
        gone = connection.execute(f"select {table.keys} from {CHANGED}").fetchall()
        listed = ", ".join(f"{quoted(name)} text" for name in columns)
        database = sqlite3.connect(city.folder / table.source / f"{table.source}.db")
        try:
            with database:  # one transaction
                database.execute(
                    f"create table if not exists {table.name} ({listed}, primary key ({table.keys}))"
                )
                where = " and ".join(f"{quoted(name)} = ?" for name in table.key)
                database.executemany(f"delete from {table.name} where {where}", gone)
                marks = ", ".join("?" for _ in columns)
                database.executemany(f"insert into {table.name} values ({marks})", rows)
        finally:
            database.close()


@dataclass(frozen=True)
class Drop:
    """How a table's rows come as files: all that become visible at one moment stand in one.

    Attributes:
        table: what comes. name: of the file, with the moment as `{0:%Y%m%d}`. encoding: of the CSV.
    """

    table: Table
    name: str
    encoding: str = "utf-8"


@dataclass
class Dropped(Kept):
    """Systems that put CSV files into a folder."""

    drops: tuple[Drop, ...] = field(default=())

    def create(self, city: "City") -> None:
        """Make the empty folders."""
        super().create(city)
        for drop in self.drops:
            folder = city.folder / "drop" / drop.table.source
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)

    def start(self, home: Path) -> dict[str, str]:
        """Where the folders are."""
        return {
            f"{drop.table.source.upper()}_DROP": str(
                home.absolute() / "simulator" / "drop" / drop.table.source
            )
            for drop in self.drops
        }

    def _show(self, city: "City", store: Any, table: Table, since: datetime, until: datetime) -> None:
        drop = next(drop for drop in self.drops if drop.table is table)
        connection = city.connection
        columns = [
            name
            for name, *_ in connection.execute("describe known_versions").fetchall()
            if name not in ("seen_at", "gone_at")
        ]
        texts = ", ".join(f"{quoted(name)}::varchar" for name in columns)
        files: dict[datetime, list[Any]] = {}
        for moment, *cells in connection.execute(
            f"select seen_at, {texts} from known_versions where seen_at > {at(since)} order by seen_at, {table.keys}"
        ).fetchall():
            files.setdefault(moment, []).append(cells)
        for moment, rows in files.items():
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerow(columns)
            writer.writerows(rows)
            path = city.folder / "drop" / table.source / drop.name.format(moment)
            draft = path.with_name(f".{path.name}.part")
            draft.write_bytes(text.getvalue().encode(drop.encoding))
            draft.replace(path)
