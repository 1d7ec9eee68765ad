"""Landing from PostgreSQL and MariaDB against a bare DuckDB COPY of the same table, and against dlt, in the same run.

    python -m benchmarks.landing [--rows 5000000] [--news 50000] [--repeat 3] [--dlt .bench/bin/python]

A real server holds `rows` rows of 12 columns. Each way runs in a process of its own, so that memory and processor time
are its own. The landing also casts, hashes every row, adds lineage, syncs, and writes the ledger. Then `news` rows
arrive, and are pulled through the cursor: by the house, and by the bare ways that DuckDB offers. dlt runs once, where
its own environment is named (requirements/benchmarks.lock); it writes the same Parquet.

Elapsed time depends on what else the machine does; the second ratio, of all processor time with the server's own, does
not.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from benchmarks.servers import MariaDB, Postgres, Server, has_mariadb

ROOT = Path(__file__).resolve().parents[1]
AIM = 1.2
DLT_BACKENDS = ("sqlalchemy", "pyarrow")  # its default, and its fastest of its own

SOURCE = """
title: 基准
owner: 基准
connect: {kind}
url: ${{BENCH_URL}}
zone: Asia/Shanghai
schedule: every 10 minutes
silent_after: 4 working hours
tables:
  cases:
    title: 办件
    key: [case_no]
    cursor: changed
    lag: 10 minutes
    columns:
      {{case_no: string, item_code: string, unit_code: string, region_code: string, applicant: string, id_no: string,
       channel: string, fee: "decimal(16, 2)", visits: int, applied_at: timestamp, closed_at: timestamp,
       changed: timestamp}}
"""
SITE = """
name: bench
title: 基准
division: "445100000000"
zone: Asia/Shanghai
plan: CZ17
go_live: 2017-11-30 08:00:00
precedence: []
province: {dept_code: "445100000000"}
"""
# Each prints its own seconds, processor seconds and peak memory; imports are not counted.
MEASURED = """
import json, resource, sys, time
def measured(work):
    used = time.process_time(); began = time.perf_counter()
    rows = work()
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - began, "cpu": time.process_time() - used,
                      "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
LAND = (
    MEASURED
    + """
import duckdb, sqlalchemy, ingestion.postgres, ingestion.mysql, ingestion.pulling, ingestion
from wangting import ledger
ledger.engine()
measured(lambda: ingestion.pull_table("bench", "cases").rows)
"""
)
BARE = (
    MEASURED
    + """
import duckdb
from wangting import engine
kind, url, target, query, pages = sys.argv[1:]
def work():
    with engine.connect() as connection:
        engine.load_extension(connection, f"{kind}_scanner")
        if kind == "postgres":
            connection.execute(f"SET pg_use_ctid_scan = {pages}")
        connection.execute(f"ATTACH '{url}' AS source (TYPE {kind}, READ_ONLY)")
        return connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)").fetchone()[0]
measured(work)
"""
)


DLT = (
    MEASURED
    + """
import os
os.environ |= {"DLT_DATA_DIR": sys.argv[2], "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
import dlt
from dlt.sources.sql_database import sql_table
def work():
    table = sql_table(credentials=sys.argv[1], table="cases", backend=sys.argv[3], chunk_size=100_000)
    pipeline = dlt.pipeline("bench", destination=dlt.destinations.filesystem("file://" + sys.argv[2] + "/out"),
                            dataset_name="bench", pipelines_dir=sys.argv[2])
    pipeline.run(table, loader_file_format="parquet")
    return pipeline.last_trace.last_normalize_info.row_counts["cases"]
measured(work)
"""
)


def measure(server: Server, program: str, *arguments: str, python: str = sys.executable) -> dict[str, float]:
    """Run a program in a process of its own and read what it measured."""
    before = server.cpu()
    done = subprocess.run(
        [python, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    time.sleep(0.3)  # its sessions end
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found | {"all": found["cpu"] + server.cpu() - before}


def line(
    name: str, runs: list[dict[str, float]], against: list[dict[str, float]] | None = None
) -> tuple[float, float]:
    """Print the medians of one way; returns its ratios to another, of elapsed and of all processor time."""
    seconds, cpu, together, mb = (
        statistics.median(run[what] for run in runs) for what in ("seconds", "cpu", "all", "mb")
    )
    slower = seconds / statistics.median(run["seconds"] for run in against or runs)
    dearer = together / statistics.median(run["all"] for run in against or runs)
    print(
        f"{name:<28}{runs[0]['rows']:>10,.0f} rows {seconds:>7.2f} s {cpu:>7.2f} + {together - cpu:>6.2f} CPU s"
        f" {mb:>6.0f} MB {slower:>6.2f} x {dearer:>6.2f} x"
    )
    return slower, dearer


def run(make: Callable[[Path], Server], rows: int, news: int, repeat: int, dlt: str | None) -> None:
    """Fill, measure by turns, print."""
    folder = Path(tempfile.mkdtemp(prefix="wtbench"))
    folder.chmod(0o755)
    server = make(folder / "data")
    try:
        site = folder / "site"
        (site / "sources/bench").mkdir(parents=True)
        (site / "site.yml").write_text(SITE, "utf-8")
        (site / "sources/bench/source.yml").write_text(SOURCE.format(kind=server.kind), "utf-8")
        bare_of = (server.kind, server.url)
        os.environ |= {"WANGTING_SITE": str(site), "BENCH_URL": server.url}
        server.fill(1, rows, "2017-01-01", 1)
        print(
            f"\n{server.kind:<43} {'elapsed':>9} {'client + server':>22} {'peak':>9} {'time':>8} {'CPU':>8}"
        )
        bare, landed, homes = [], [], []
        for number in range(repeat):
            home = folder / f"home{number}"
            home.mkdir(mode=0o700)
            homes.append(home)
            os.environ["WANGTING_HOME"] = str(home)
            (home / "clock.json").write_text(json.dumps({"now": datetime(2017, 6, 1).isoformat()}), "utf-8")
            whole = f"SELECT * FROM {server.relation}"
            bare.append(measure(server, BARE, *bare_of, str(home / "bare.parquet"), whole, "true"))
            landed.append(measure(server, LAND))
        line("bare COPY, whole table", bare)
        slower, dearer = line("landing, first load", landed, bare)
        assert all(run["rows"] == rows for run in bare + landed)
        if dlt is not None:
            for backend in DLT_BACKENDS:
                (folder / backend).mkdir()
                arguments = (server.alchemy, str(folder / backend), backend)
                line(f"dlt, {backend}", [measure(server, DLT, *arguments, python=dlt)], landed)
        server.fill(rows + 1, rows + news, "2017-06-01", 0)
        since = "timestamp '2017-05-31 23:50:00' AND changed <= timestamp '2017-06-01 01:00:00'"
        query = f"SELECT * FROM cases WHERE changed >= {since}".replace("'", "''")
        ways: dict[str, list[dict[str, float]]] = {"query": [], "filter": [], "landing": []}
        for home in homes:
            os.environ["WANGTING_HOME"] = str(home)
            (home / "clock.json").write_text(
                json.dumps({"now": datetime(2017, 6, 1, 1).isoformat()}), "utf-8"
            )
            target = str(home / "bare.parquet")
            asked = f"FROM {server.kind}_query('source', '{query}')"
            ways["query"].append(measure(server, BARE, *bare_of, target, asked, "false"))
            pushed = f"SELECT * FROM {server.relation} WHERE changed >= {since}"
            ways["filter"].append(measure(server, BARE, *bare_of, target, pushed, "false"))
            ways["landing"].append(measure(server, LAND))
        line("bare query, news", ways["query"])
        line("bare filter pushdown, news", ways["filter"], ways["query"])
        line("landing, news", ways["landing"], ways["query"])
        assert all(run["rows"] == news for runs in ways.values() for run in runs)
        print(
            f"landing : bare COPY = {slower:.2f} in time, {dearer:.2f} in processor time (aim: at most {AIM})"
        )
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--news", type=int, default=50_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dlt", help="the Python of an environment with requirements/benchmarks.lock")
    parser.add_argument("--only", choices=["postgres", "mysql"])
    given = parser.parse_args()
    servers: dict[str, Callable[[Path], Server]] = {"postgres": Postgres}
    if has_mariadb():
        servers["mysql"] = MariaDB
    for kind, make in servers.items():
        if given.only in (None, kind):
            run(make, given.rows, given.news, given.repeat, given.dlt)
