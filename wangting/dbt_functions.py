"""What dbt's DuckDB connection is given (a plugin of dbt-duckdb): functions that the models call and SQL does not have,
and whether to put tables together again.

The key of the pseudonyms stays in this process: compiled models and logs only name the function.
"""

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from wangting.pseudonym import pseudonymous


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt-duckdb has no types
    """By the name under which dbt-duckdb looks for it."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Give `pseudonym(text)` to the connection, and leave gaps in its files on all days but Sunday."""
        conn.create_function("pseudonym", pseudonymous(), ["VARCHAR"], "VARCHAR")
        if not _is_day_of_tidying(conn):
            conn.execute("set max_vacuum_tasks = 0")


def _is_day_of_tidying(conn: DuckDBPyConnection) -> bool:
    """Whether a checkpoint may write tables anew to close the gaps of replaced rows.

    Left to itself every build writes the last hundred thousand rows of each table anew, which costs more than the rows
    of a day; a week's gaps are closed for the price of one. A full build has none.
    """
    try:
        found = conn.execute("select mode = 'full' or isodow(as_of) = 7 from run.context").fetchall()
    except duckdb.CatalogException:
        return True
    return bool(found and found[0][0])
