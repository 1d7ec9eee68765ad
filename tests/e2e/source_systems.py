"""The default city's platform and catalogue as real systems, empty, for rows that a test writes by hand.

A PostgreSQL with the platform's tables as its source.yml promises them, the catalogue over HTTP, a province that
answers; and a site that is the default city with these two systems alone and an early go-live.
"""

import json
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.house.tree import ROOT

SYSTEMS = ("unified_platform", "item_catalogue")
_IN_ARROW = {"string": pa.string(), "int": pa.int32(), "boolean": pa.bool_(), "date": pa.date32()}


def site(folder: Path, go_live: str, more: tuple[str, ...] = ()) -> Path:
    """The default city with only these systems and `more` of its own, in `folder`."""
    home = ROOT / "sites" / "chaozhou"
    shutil.copytree(home / "seeds", folder / "seeds")
    for system in (*SYSTEMS, *more):
        for part in ("sources", "staging"):
            shutil.copytree(home / part / system, folder / part / system)
    about = yaml.safe_load((home / "site.yml").read_text("utf-8"))
    about |= {"precedence": list(SYSTEMS), "go_live": go_live}
    (folder / "site.yml").write_text(yaml.safe_dump(about, allow_unicode=True), "utf-8")
    return folder


class SourceSystems:
    """The systems, started on a home; `stop` ends exactly what was started."""

    def __init__(self, home: Path) -> None:
        from simulator import province, services
        from simulator.postgres import Server

        self.home = home
        (home / "simulator" / "emitted").mkdir(parents=True)
        self._postgres = Server(home / "simulator" / "postgres")
        self._postgres.create()
        self._postgres.start()
        self._postgres.create_databases()
        address = {"UNIFIED_PLATFORM_URL": self._postgres.url("unified_platform")}
        connections = address | services.start(home) | province.start(home)
        (home / "simulator" / "connections.json").write_text(json.dumps(connections), "utf-8")

    def _attached(self) -> duckdb.DuckDBPyConnection:
        from wangting.engine import load_extension

        con = duckdb.connect()
        load_extension(con, "postgres_scanner")
        con.execute(f"attach '{self._postgres.url('unified_platform')}' as platform (type postgres)")
        return con

    def write(self, rows: Iterable[tuple[str, dict[str, Any]]], entered: datetime) -> None:
        """Insert rows (table, column → value) into the platform as entered at that time; what is not given is null."""
        with self._attached() as con:
            for table, row in rows:
                row = row | {"inserttime": entered}
                names = ", ".join(row)
                marks = ", ".join("?" for _ in row)
                con.execute(
                    f"insert into platform.public.{table} ({names}) values ({marks})", list(row.values())
                )

    def list_items(self, versions: list[dict[str, Any]]) -> None:
        """What the catalogue shows from now on."""
        self.show("item_catalogue", "items", versions, "items")

    def show(self, source: str, name: str, versions: list[dict[str, Any]], file: str) -> None:
        """What an interface shows of a source's table from now on; `file`: as the service knows it."""
        declared = yaml.safe_load((ROOT / f"sites/chaozhou/sources/{source}/source.yml").read_text("utf-8"))
        columns = declared["tables"][name]["columns"]
        kinds = {name: _IN_ARROW.get(kind, pa.timestamp("us")) for name, kind in columns.items()}
        table = pa.table(
            {name: pa.array([row.get(name) for row in versions], kind) for name, kind in kinds.items()}
        )
        pq.write_table(table, self.home / "simulator" / "emitted" / f"{file}.parquet")

    def stop(self) -> None:
        """End the servers."""
        from simulator import province, services

        province.stop(self.home)
        services.stop(self.home)
        self._postgres.stop()
