"""A simulated city for whole-way tests: run commands as a user does, and keep what a moment looked like."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx

from tests.dbt_project import states

Keys = set[tuple[str, str]]


@dataclass
class Moment:
    """What house and truth looked like at one time: copies, so that later runs cannot change them."""

    folder: Path
    report: Any

    @property
    def truth(self) -> Path:
        """The simulator's truth files."""
        return self.folder / "truth"

    @property
    def marts(self) -> Path:
        """The published marts."""
        return self.folder / "marts.duckdb"

    def ledger(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the ledger."""
        with sqlite3.connect(self.folder / "ledger.sqlite") as connection:
            return connection.execute(query).fetchall()

    def known(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the truth; its files are tables named after them."""
        with duckdb.connect() as con:
            for file in self.truth.glob("*.parquet"):
                con.execute(f"create view {file.stem} as select * from read_parquet('{file}')")
            return con.execute(query).fetchall()


class City:
    """A home of its own with the simulated city in it."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.environment = os.environ | {"WANGTING_HOME": str(home)} | environment

    def run(self, *command: str, fails: bool = False) -> Any:
        """Run `wangting …` with `--json` and return what it says; a failure shows its error."""
        done = subprocess.run(
            [sys.executable, "-m", "wangting.cli", *command, "--json"],
            env=self.environment,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        assert (done.returncode != 0) == fails, (
            f"{command}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
        return json.loads(done.stdout) if done.stdout.strip() else None

    def do_everything(self) -> Any:
        """Pull, push, build and publish by the commands, without Airflow."""
        return {name: self.run(name) for name in ("pull", "exchange", "build", "publish")}

    def remember(self, name: str, report: Any) -> Moment:
        """Copy what this moment looks like."""
        folder = self.home.parent / "remembered" / name
        folder.mkdir(parents=True)
        shutil.copytree(self.home / "simulator" / "truth", folder / "truth")
        shutil.copy(self.home / "releases" / "current" / "marts.duckdb", folder / "marts.duckdb")
        with (
            sqlite3.connect(self.home / "ledger.sqlite") as source,
            sqlite3.connect(folder / "ledger.sqlite") as copy,
        ):
            source.backup(copy)
        return Moment(folder, report)

    def connection(self, name: str) -> str:
        """A connection setting of the running simulator."""
        return str(json.loads((self.home / "simulator" / "connections.json").read_text())[name])

    def province_records(self) -> list[tuple[str, str, int]]:
        """(record type, key, version) of everything the province says it holds, by its own pages."""
        url, token = self.connection("PROVINCE_URL"), self.connection("PROVINCE_TOKEN")
        types = ["SB", "WSYSL", "SL", "SPCL", "BJGZ", "BJSL", "TBCXSQ", "TBCXJG", "BJ", "LQDJ"]
        found = []
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
            for short in types:
                page, total = 1, 1
                while (page - 1) * 1000 < total:
                    answer = client.get(
                        "/records", params={"tableName": f"EX_GDBS_{short}", "page": page, "size": 1000}
                    ).json()
                    total = answer["total"]
                    found += [
                        (row["tableName"], row["identify"], int(row["version"])) for row in answer["data"]
                    ]
                    page += 1
        return found


def tables(home: Path) -> dict[str, Any]:
    """Content of every table of both lanes, in an order of its own."""
    found = {}
    # About a run, not a state; and numbers of which nobody is told any more stay known.
    left_out = [*states.OF_THE_RUN, *states.NEVER_FORGETTING]
    for file in ("exchange/exchange", "warehouse/warehouse", "warehouse/marts"):
        with duckdb.connect(home / "lanes" / f"{file}.duckdb", read_only=True) as con:
            names = con.execute(
                """
                select schema_name, table_name from duckdb_tables()
                where not internal and schema_name not in ('run', 'landing') and not table_name like '%__dbt_%'
                    and not list_contains(?, table_name)
                """,
                [left_out],
            ).fetchall()
            marked = con.execute(
                "select table_name from duckdb_columns() where column_name = '_run_no'"
            ).fetchall()
            for schema, table in names:
                # Which build wrote a row is the one thing that may differ.
                run_no = "exclude (_run_no)" if (table,) in marked else ""
                found[f"{file}.{schema}.{table}"] = con.execute(f"""
                    select count(*), md5(string_agg(t, chr(10) order by t))
                    from (
                        select md5(to_json(x)::varchar) as t
                        from (select * {run_no} from "{schema}"."{table}") x
                    )
                """).fetchone()
    return found


GO_LIVE = "timestamp '2017-11-30 08:00:00'"

# A record without a usable time of its own stands for the moment at which it was written.
STANDS_FOR = (
    "coalesce(case when business_time < emitted_at + interval 1 day then business_time end, emitted_at)"
)
# Records that must reach the province: the newest state of every record that may pass, of a case that has any live
# record and an SB that may pass. From the simulator's own state.
SENDABLE = f"""
    with newest as (select * from records where is_latest),
    live as (select distinct case_no from newest where {STANDS_FOR} >= {GO_LIVE}),
    parents as (select case_no from newest where record = 'EX_GDBS_SB' and expected_outcome <> 'held')
    select record, record_key from newest
    where expected_outcome <> 'held'
        and case_no in (select case_no from live) and case_no in (select case_no from parents)
"""
HELD = "select record, record_key from records where is_latest and expected_outcome = 'held'"
