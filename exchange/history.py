"""Every record version that ever entered the outbox, open or final, as one relation."""

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
from sqlalchemy import Connection, select

from exchange import final_files
from wangting import ledger

_PAGE = 50_000


def relation(work: duckdb.DuckDBPyConnection, *, columns: Sequence[str] | None = None) -> str:
    """An SQL relation with one row per record version that ever entered the outbox, to be put after `from`.

    The open rows are read into `work` by this call; ask for the columns that are needed, there may be millions. Open
    and final rows are of the same moment: none is missing, none is there twice.

    Args:
        work: a DuckDB connection of the caller's; temporary tables are made in it. A second call replaces the first.
        columns: of the ledger's outbox; None: all of them.
    """
    wanted = list(columns) if columns is not None else final_files.NAMES
    with ledger.snapshot() as connection:
        files = final_files.now_there(connection)
        kinds = final_files.kinds_of(ledger.outbox, wanted)
        final_files.load(work, "history_open", kinds, _open_rows(connection, wanted))
    final = final_files.rows(work, files, wanted)
    return f"(select * from history_open union all by name {final})"


def _open_rows(connection: Connection, columns: list[str]) -> Iterator[Sequence[Any]]:
    query = select(*(ledger.outbox.c[name] for name in columns))
    found = connection.execution_options(stream_results=True).execute(query)
    yield from found.partitions(_PAGE)


def of_case(work: duckdb.DuckDBPyConnection, case_no: str) -> list[dict[str, Any]]:
    """Every record version of one case, by stage, key and version, as the ledger's outbox has them."""
    o = ledger.outbox
    with ledger.snapshot() as connection:
        files = final_files.now_there(connection)
        found = [dict(row) for row in connection.execute(select(o).where(o.c.case_no == case_no)).mappings()]
    cursor = work.execute(final_files.rows(work, files, final_files.NAMES, cases=[case_no]))
    found += [dict(zip(final_files.NAMES, row, strict=True)) for row in cursor.fetchall()]
    return sorted(found, key=lambda row: (row["stage"], row["record_key"], row["version"]))


def receipts_of_case(work: duckdb.DuckDBPyConnection, case_no: str) -> list[dict[str, Any]]:
    """Every receipt of one case's record versions, in the order they came."""
    o, r = ledger.outbox, ledger.receipts
    query = (
        select(r)
        .join(
            o,
            (o.c.record == r.c.record) & (o.c.record_key == r.c.record_key) & (o.c.version == r.c.version),
        )
        .where(o.c.case_no == case_no)
    )
    found = ledger.rows(query) + final_files.receipts(work, case_no)
    return sorted(found, key=lambda row: int(row["receipt_id"]))
