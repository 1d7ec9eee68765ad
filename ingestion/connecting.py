"""What every connector is: the rows of one table and window, as the source has them, as something DuckDB can read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import duckdb

from ingestion.windows import Load
from wangting.errors import WangtingError
from wangting.source_spec import Source


class UnreachableError(WangtingError):
    """Nobody answers at the source's address, or not to us: its other tables need not be tried in this run."""


@dataclass(frozen=True)
class TakenFile:
    """A dropped file that this load has taken.

    Attributes:
        name: its path below the source's folder.
        content_hash: SHA-256 of its bytes.
    """

    name: str
    content_hash: str


@dataclass
class Extract:
    """What a source answered.

    Attributes:
        relation: SQL of the rows, valid on the connection that was handed in.
        present: the source's columns and their DuckDB types, in its order.
        lineage: further columns that the connector knows of a row (the file it stood in, say), in their order.
        taken: dropped files read.
        errors: parts that could not be read, a sentence each; the rest is landed all the same.
        warnings: what was read, but deserves a look.
    """

    relation: str
    present: dict[str, str]
    lineage: Sequence[str] = ()
    taken: list[TakenFile] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Connector(Protocol):
    """One system. Making it asks the source nothing; it may keep a session from one table to the next."""

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """Ask the source for the load's window.

        Raises:
            UnreachableError, WangtingError: with one sentence for people, without secrets.
        """

    def close(self) -> None:
        """End the session, if there is one."""


@runtime_checkable
class Replayable(Protocol):
    """A connector that keeps what the source said (pages, files) in the load's raw folder, and reads it once more."""

    def replay(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """What the load's raw folder holds, by today's declaration.

        The source is not asked, nothing in the folder is changed, and no file counts as taken by it.

        Raises:
            WangtingError: nothing is kept there any more, or it cannot be read by the declaration.
        """


def connector(source: Source) -> Connector:
    """The connector that the source's declaration asks for."""
    if source.connect == "postgres":
        from ingestion.postgres import Postgres

        return Postgres(source)
    if source.connect == "mysql":
        from ingestion.mysql import MySQL

        return MySQL(source)
    if source.connect == "sqlite":
        from ingestion.sqlite import SQLite

        return SQLite(source)
    if source.connect == "rest":
        from ingestion.rest import Rest

        return Rest(source)
    if source.connect == "http":
        from ingestion.downloads import Downloads

        return Downloads(source)
    if source.connect == "own":
        from ingestion.own import Own

        return Own(source)
    from ingestion.files import Files

    return Files(source)


def place(source: Source, table: str = "", file: Path | str = "") -> str:
    """How an error names where it happened."""
    return " ".join(
        str(part) for part in (source.title, f"{source.name}.{table}" if table else source.name, file) if part
    )
