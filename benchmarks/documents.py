"""Landing a large CSV file: seconds and the largest resident memory, which must not grow with the file.

    python -m benchmarks.documents [--gigabytes 2] [--encoding utf-8] [--memory 1GB]

A small and a large file of the same shape are landed, each in a process of its own. Memory grows up to the limit that
DuckDB is given and no further: what has been read is let go when room is wanted.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from benchmarks.landing import MEASURED, ROOT, SITE

SOURCE = """
title: 基准
owner: 基准
connect: files
url: ${{BENCH_DROP}}
zone: Asia/Shanghai
schedule: every 10 minutes
silent_after: 4 working hours
tables:
  cases:
    title: 办件
    key: [case_no]
    pattern: "*.csv"
    encoding: {encoding}
    columns:
      {{case_no: string, item_code: string, unit_code: string, applicant: string, id_no: string, fee: "decimal(16, 2)",
       visits: int, applied_at: timestamp, note: string}}
"""
LAND = (
    MEASURED
    + """
import duckdb, sqlalchemy, ingestion.files, ingestion.pulling, ingestion
from wangting import ledger
ledger.engine()
measured(lambda: ingestion.pull_table("bench", "cases").rows)
"""
)
HEAD = "case_no,item_code,unit_code,applicant,id_no,fee,visits,applied_at,note\n"


def write(file: Path, size: int, encoding: str) -> int:
    """A file of at least so many bytes; returns its rows."""
    number = 0
    with file.open("w", encoding=encoding) as out:
        out.write(HEAD)
        while out.tell() < size:
            out.write(
                "".join(
                    f"007222222{one:020},0072222224451{one % 900:013},{one % 300:09},申请人{one * 7919 % 90000},"
                    f"44510219{one * 104729 % 10**10:010},{one % 100000 / 100},{one % 3},2017-01-01 08:{one % 60:02}:00"
                    f",「材料齐全，{one % 7} 份」\n"
                    for one in range(number, number + 50_000)
                )
            )
            number += 50_000
    return number


def run(gigabytes: float, encoding: str, memory: str) -> None:
    """Write, land, print."""
    folder = Path(tempfile.mkdtemp(prefix="wtbench"))
    try:
        site = folder / "site"
        (site / "sources/bench").mkdir(parents=True)
        (site / "site.yml").write_text(SITE, "utf-8")
        (site / "sources/bench/source.yml").write_text(SOURCE.format(encoding=encoding), "utf-8")
        for size in (gigabytes / 10, gigabytes):
            drop, home = folder / "drop", folder / "home"
            drop.mkdir()
            home.mkdir(mode=0o700)
            os.environ |= {
                "WANGTING_SITE": str(site),
                "BENCH_DROP": str(drop),
                "WANGTING_HOME": str(home),
                "WANGTING_MEMORY": memory,
            }
            (home / "clock.json").write_text(json.dumps({"now": datetime(2018, 6, 1).isoformat()}), "utf-8")
            rows = write(drop / "cases.csv", int(size * 1e9), encoding)
            done = subprocess.run(
                [sys.executable, "-c", LAND], cwd=ROOT, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(done.stderr)
            found = json.loads(done.stdout.splitlines()[-1])
            assert found["rows"] == rows
            print(
                f"{size:5.2f} GB of {encoding}, {rows:>11,} rows: {found['seconds']:7.2f} s, {found['cpu']:7.2f} CPU s"
                f", {found['mb']:6.0f} MB, {size * 1000 / found['seconds']:6.0f} MB/s",
                flush=True,
            )
            shutil.rmtree(drop)
            shutil.rmtree(home)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--encoding", default="utf-8")
    parser.add_argument("--memory", default="1GB", help="DuckDB's limit, WANGTING_MEMORY")
    given = parser.parse_args()
    run(given.gigabytes, given.encoding, given.memory)
