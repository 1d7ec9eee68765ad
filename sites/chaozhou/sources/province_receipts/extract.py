"""The house's own ledger as a source: the province's receipts, and the clock of every record that was to be sent.

The ledger moves the receipts of final records into Parquet files, so both are read, of the same moment; a receipt that
moved meanwhile is known by its number. Which records count, and with which clock, the exchange room says.
"""

from datetime import datetime

import duckdb
from sqlalchemy import select

from exchange import clocks
from ingestion.connecting import Extract
from ingestion.windows import Load
from wangting import engine, ledger, settings
from wangting.source_spec import Source

_PAGE = 20_000
_KINDS = {
    "receipt_id": "bigint",
    "record": "varchar",
    "record_key": "varchar",
    "version": "integer",
    "attempt": "integer",
    "received_at": "timestamp",
    "code": "integer",
    "receipt_no": "varchar",
    "text": "varchar",
}


class OwnLedger:
    """The ledger's receipts and the clocks of its records."""

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """What may have changed in the load's window."""
        if load.name == "record_clocks":
            clocks.make_clocks(connection, load.low, load.high)
            return Extract("clocks", {name: kind.upper() for name, kind in clocks.KINDS.items()})
        return self._receipts(connection, load)

    def _receipts(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """Those of the window; an attempt that nobody answered has none."""
        since = datetime.min if load.low is None else load.low
        known, files = ledger.receipts, ledger.final_files
        columns = ", ".join(f"{name} {kind}" for name, kind in _KINDS.items())
        connection.execute(f"create or replace temp table receipts ({columns})")
        asked = (
            select(*(known.c[name] for name in _KINDS))
            .where(known.c.received_at >= since, known.c.code.is_not(None))
            .order_by(known.c.receipt_id)
        )
        with ledger.snapshot() as rows:
            for page in rows.execution_options(stream_results=True).execute(asked).partitions(_PAGE):
                connection.execute(f"insert into receipts from {engine.given(_KINDS, map(tuple, page))}")
            final = (
                rows.execute(select(files.c.path).where(files.c.receipts > 0, files.c.made_at >= since))
                .scalars()
                .all()
            )
        for path in final:
            file = (settings.home() / path).with_suffix(".receipts.parquet")
            connection.execute(
                f"insert into receipts by name select {', '.join(_KINDS)} from read_parquet({engine.literal(file)})"
                f" where code is not null and received_at >= timestamp '{since}'"
                " and receipt_id not in (select receipt_id from receipts)"
            )
        return Extract("receipts", {name: kind.upper() for name, kind in _KINDS.items()})

    def close(self) -> None:
        """The ledger is the house's own and stays open."""


def connector(source: Source) -> OwnLedger:
    """The connector of this source."""
    return OwnLedger()
