"""What the models call and SQL does not have: functions given to dbt's DuckDB connection (a plugin of dbt-duckdb).

The key of the pseudonyms stays in this process: compiled models and logs only name the function.
"""

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from wangting.pseudonym import pseudonymous


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt-duckdb has no types
    """The functions, by the name under which dbt-duckdb looks for them."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Give `pseudonym(text)` to the connection."""
        conn.create_function("pseudonym", pseudonymous(), ["VARCHAR"], "VARCHAR")
