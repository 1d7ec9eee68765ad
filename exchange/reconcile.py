"""Reconciliation: what we hold acknowledged against what the province has, record by record."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import bindparam, select, update

from exchange.province import Province
from exchange.records import record_types
from wangting import clock, console, engine, ledger, locks
from wangting.site import current_site

_CHUNK = 10_000
_LISTED = 1_000  # exact records named a side; the counts are of all


@dataclass
class Reconciliation:
    """How the two sides compare.

    Attributes:
        days: a row a day and record type: day, record, acknowledged (by our ledger), counted (by the province's own
            counts), read_back (its pages).
        lost: acknowledged here, not there. unknown: there, not acknowledged here. Each a list of record, record_key,
            version, case_no; at most 1,000.
        lost_count, unknown_count: of all. repaired: how many lost ones go again.
    """

    days: list[dict[str, Any]] = field(default_factory=list)
    lost: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[dict[str, Any]] = field(default_factory=list)
    lost_count: int = 0
    unknown_count: int = 0
    repaired: int = 0

    @property
    def agrees(self) -> bool:
        """Whether both sides have the same records."""
        return not self.lost_count and not self.unknown_count

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self) | {"agrees": self.agrees}


def reconcile(*, repair: bool = False) -> Reconciliation:
    """Read the province's records back and compare them with the ledger.

    Args:
        repair: what the province has lost goes again with the next push.

    Raises:
        WangtingError: the province does not answer, or a push is under way.
    """
    with locks.writer("push"):
        work = engine.connect()
        try:
            work.execute(
                "create table theirs (record varchar, record_key varchar, version integer, day varchar);"
                "create table ours (record varchar, record_key varchar, version integer, case_no varchar, day varchar)"
            )
            counted = asyncio.run(_read_back(work))
            _read_ledger(work)
            found = _compare(work, counted)
            if repair and found.lost_count:
                found.repaired = _send_again(work)
        finally:
            work.close()
    return found


async def _read_back(work: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    kinds = record_types()
    async with Province(current_site()) as province:
        counted = await province.counts()
        with console.progress("读回", len(kinds)) as step:
            for number, kind in enumerate(kinds, 1):
                async for page in province.pages(kind.record):
                    _add(
                        work,
                        "theirs",
                        ["record", "record_key", "version", "day"],
                        [
                            (
                                row["tableName"],
                                row["identify"],
                                int(row["version"]),
                                str(row["receivedAt"])[:10],
                            )
                            for row in page
                        ],
                    )
                step(number, text=f"读回 {kind.title}")
    return counted


def _add(work: duckdb.DuckDBPyConnection, table: str, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    work.register("page", pa.table({name: list(values) for name, values in columns.items()}))
    work.execute(f"insert into {table} by name select * from page")
    work.unregister("page")


def _acknowledged() -> Iterator[list[Any]]:
    o = ledger.outbox
    query = select(o.c.record, o.c.record_key, o.c.version, o.c.case_no, o.c.acked_at).where(
        o.c.state == "ACK"
    )
    with ledger.engine().connect() as connection:
        found = connection.execution_options(stream_results=True).execute(query)
        yield from (list(rows) for rows in found.partitions(_CHUNK))


def _read_ledger(work: duckdb.DuckDBPyConnection) -> None:
    for rows in _acknowledged():
        values = [
            (row.record, row.record_key, row.version, row.case_no, f"{row.acked_at:%Y-%m-%d}") for row in rows
        ]
        _add(work, "ours", ["record", "record_key", "version", "case_no", "day"], values)


def _dicts(work: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = work.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _compare(work: duckdb.DuckDBPyConnection, counted: list[dict[str, Any]]) -> Reconciliation:
    rows = [(str(row["day"]), str(row["tableName"]), int(row["count"])) for row in counted]
    work.execute("create table counted (day varchar, record varchar, counted bigint)")
    if rows:
        _add(work, "counted", ["day", "record", "counted"], rows)
    work.execute(
        "create table lost as select * from ours anti join theirs using (record, record_key, version);"
        "create table unknown as select * from theirs anti join ours using (record, record_key, version)"
    )
    days = _dicts(
        work,
        """
        select day, record,
            coalesce(sum(acknowledged), 0)::bigint as acknowledged,
            coalesce(sum(counted), 0)::bigint as counted,
            coalesce(sum(read_back), 0)::bigint as read_back
        from (
            select day, record, count(*) as acknowledged, 0 as counted, 0 as read_back from ours group by 1, 2
            union all select day, record, 0, counted, 0 from counted
            union all select day, record, 0, 0, count(*) from theirs group by 1, 2
        ) group by 1, 2 order by 1, 2
        """,
    )
    listed = "record, record_key, version, {} order by 1, 2, 3 limit " + str(_LISTED)
    return Reconciliation(
        days=days,
        lost=_dicts(work, "select " + listed.format("case_no from lost")),
        unknown=_dicts(
            work, "select " + listed.format("split_part(record_key, '|', 1) as case_no from unknown")
        ),
        lost_count=len(work.execute("select 1 from lost").fetchall()),
        unknown_count=len(work.execute("select 1 from unknown").fetchall()),
    )


def _send_again(work: duckdb.DuckDBPyConnection) -> int:
    """What was lost there goes again; when it was first acknowledged stays known."""
    o = ledger.outbox
    statement = (
        update(o)
        .where(
            o.c.record == bindparam("_record"),
            o.c.record_key == bindparam("_key"),
            o.c.version == bindparam("_version"),
            o.c.state == "ACK",
        )
        .values(state="RETRY", next_try_at=clock.now())
    )
    cursor = work.execute("select record as _record, record_key as _key, version as _version from lost")
    repaired = 0
    while rows := cursor.fetchmany(_CHUNK):
        with ledger.transaction() as connection:
            values = [dict(zip(("_record", "_key", "_version"), row, strict=True)) for row in rows]
            repaired += connection.execute(statement, values).rowcount
    return repaired
