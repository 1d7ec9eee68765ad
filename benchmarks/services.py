"""Landing from a paged REST service: rows a second, over pages of 1,000 rows that the service has ready.

    python -m benchmarks.services [--rows 300000] [--repeat 3]

The service is a process of its own on this machine; turning pages, keeping them, reading, casting, hashing and
writing are in the time, and so is the service's.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.landing import MEASURED, ROOT, SITE
from tests.servers import free_port

AIM = 30_000  # rows a second
SIZE = 1000
SOURCE = """
title: 基准
owner: 基准
connect: rest
url: ${BENCH_URL}
zone: Asia/Shanghai
schedule: every 10 minutes
silent_after: 4 working hours
tables:
  visits:
    title: 到厅
    key: [visit_no]
    cursor: updated_at
    path: /visits
    page_size: 1000
    since: updated_after
    columns:
      {visit_no: string, hall_code: string, window_no: string, item_code: string, applicant: string, id_no: string,
       queued_at: timestamp, called_at: timestamp, served_at: timestamp, rating: int, fee: "decimal(16, 2)",
       updated_at: timestamp}
"""
LAND = (
    MEASURED
    + """
import duckdb, sqlalchemy, httpx, ingestion.rest, ingestion.pulling, ingestion
from wangting import ledger
ledger.engine()
measured(lambda: ingestion.pull_table("bench", "visits").rows)
"""
)


def pages(rows: int) -> list[bytes]:
    """All pages as the service sends them."""
    start = datetime(2017, 1, 1)

    def row(number: int) -> dict[str, Any]:
        queued = start + timedelta(seconds=11 * number)
        return {
            "visit_no": f"H{number:012}",
            "hall_code": f"445102{number % 60:06}",
            "window_no": f"{number % 30:02}",
            "item_code": f"0072222224451{number % 900:013}",
            "applicant": f"申请人{number * 7919 % 90000}",
            "id_no": f"44510219{number * 104729 % 10**10:010}",
            "queued_at": queued.isoformat(),
            "called_at": (queued + timedelta(minutes=7)).isoformat(),
            "served_at": None if number % 5 == 0 else (queued + timedelta(minutes=19)).isoformat(),
            "rating": number % 5 + 1,
            "fee": number % 100000 / 100,
            "updated_at": (queued + timedelta(minutes=20)).isoformat(),
        }

    return [
        json.dumps(
            {
                "total": rows,
                "page": first // SIZE + 1,
                "size": SIZE,
                "data": [row(number) for number in range(first, min(first + SIZE, rows))],
            },
            ensure_ascii=False,
        ).encode()
        for first in range(0, rows, SIZE)
    ]


def serve(rows: int, port: int) -> None:
    """The service, until it is ended."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    ready = pages(rows)

    async def visits(request: Request) -> Response:
        return Response(ready[int(request.query_params["page"]) - 1], media_type="application/json")

    uvicorn.run(Starlette(routes=[Route("/visits", visits)]), port=port, log_level="error")


def run(rows: int, repeat: int) -> None:
    """Serve, measure, print."""
    port = free_port()
    service = multiprocessing.get_context("spawn").Process(target=serve, args=(rows, port))
    service.start()
    folder = Path(tempfile.mkdtemp(prefix="wtbench"))
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if not service.is_alive():
                raise SystemExit("the service did not start")
            time.sleep(0.1)
        site = folder / "site"
        (site / "sources/bench").mkdir(parents=True)
        (site / "site.yml").write_text(SITE, "utf-8")
        (site / "sources/bench/source.yml").write_text(SOURCE, "utf-8")
        os.environ |= {"WANGTING_SITE": str(site), "BENCH_URL": f"http://127.0.0.1:{port}"}
        found = []
        for number in range(repeat):
            home = folder / f"home{number}"
            home.mkdir(mode=0o700)
            os.environ["WANGTING_HOME"] = str(home)
            (home / "clock.json").write_text(json.dumps({"now": datetime(2018, 6, 1).isoformat()}), "utf-8")
            done = subprocess.run(
                [sys.executable, "-c", LAND], cwd=ROOT, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(done.stderr)
            found.append(json.loads(done.stdout.splitlines()[-1]))
        assert all(one["rows"] == rows for one in found)
        seconds, cpu, mb = (
            statistics.median(one[what] for one in found) for what in ("seconds", "cpu", "mb")
        )
        print(
            f"{rows:,} rows in {rows // SIZE} pages: {seconds:.2f} s, {cpu:.2f} CPU s, {mb:.0f} MB; "
            f"{rows / seconds:,.0f} rows/s, {rows / cpu:,.0f} rows a CPU second (aim: at least {AIM:,} rows/s)"
        )
    finally:
        service.terminate()
        service.join()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    run(given.rows, given.repeat)
