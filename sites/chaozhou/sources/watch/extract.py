"""The house's own ledger as a source: how its sources, open records, stops and alarms stand when it is pulled."""

import duckdb

from exchange import standing
from ingestion import overview
from ingestion.connecting import Extract
from ingestion.windows import Load
from wangting import engine
from wangting.source_spec import Source


class OwnLedger:
    """How things stand by the ledger."""

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """The whole of one table."""
        if load.name == "source_standings":
            kinds = overview.STANDINGS
            # Its own loads would be news of themselves for ever.
            rows = overview.standings(load.high, leaving_out=load.source.name)
            given = engine.given(kinds, ([row[name] for name in kinds] for row in rows))
            connection.execute(f"create or replace temp table source_standings as select * from {given}")
        else:
            kinds = standing.KINDS[load.name]
            standing.make(connection, load.name, load.high)
        return Extract(load.name, {name: kind.upper() for name, kind in kinds.items()})

    def close(self) -> None:
        """The ledger is the house's own and stays open."""


def connector(source: Source) -> OwnLedger:
    """The connector of this source."""
    return OwnLedger()
