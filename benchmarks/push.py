"""The push against a bare aiohttp client that posts the same bytes to the same kind of province, in one run.

    python -m benchmarks.push [--cases 4000] [--rounds 2]

Each record goes in its own XML message of some 1.6 kB. The push does everything it does in earnest: rendering from
Parquet, SENT before sending, receipts and states durably in the ledger. Both clients run in a process of their own
and each against a fresh province; they take turns, so that a busy machine is unfair to neither.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

STAGES = 6  # records a case


def prepare(home: Path, cases: int) -> None:
    """A lane with live cases, cut, judged and enqueued."""
    from exchange import batches
    from exchange.cut import cut
    from exchange.outbox import enqueue
    from exchange.receivers import xml_messages
    from exchange.receivers.names import names_of
    from exchange.records import record_types
    from tests.exchange import lane as lanes
    from wangting import clock, engine
    from wangting.site import current_site

    lane = lanes.Lane(home)
    stages = (lanes.SB, lanes.WSYSL, lanes.SL, lanes.SPCL, lanes.BJ, "EX_GDBS_LQDJ")
    # A message of ordinary length: some fields are sentences.
    long = {"SBCLQD": "申请表；身份证明；" * 12, "BZ": "按规定办理。" * 12}
    long |= {"SLZLQD": "申请表；" * 30, "SPYJ": "同意。" * 30}
    for number in range(cases):
        day = lanes.GO_LIVE + timedelta(days=number // 9000)
        lane.case(number % 9000, day, stages, **long)
    clock.set_simulated(lanes.GO_LIVE + timedelta(days=2, hours=10))
    started = time.perf_counter()
    lane.build()
    built = time.perf_counter()
    summary = cut()
    cut_done = time.perf_counter()
    lanes.judge(str(summary.batch_id))
    judged = time.perf_counter()
    entered = enqueue(str(summary.batch_id)).entered
    done = time.perf_counter()
    print(
        f"prepared {entered:,} records: lane {built - started:.1f} s, cut {cut_done - built:.1f} s, "
        f"enqueue {done - judged:.1f} s ({entered / (done - judged):,.0f} rows/s)"
    )
    messages = home / "messages"
    messages.mkdir()
    site = current_site()
    names = names_of(site, site.province.aliases)
    with engine.connect() as work:
        for kind in record_types():
            file = batches.record_file(str(summary.batch_id), kind.table)
            if file.is_file():
                worded = xml_messages.wording(kind, names[kind.record], "445100000000")
                work.execute(
                    f"copy (select {worded.address} as address, {worded.body} as body"
                    f" from {batches.reading([file])} order by case_no)"
                    f" to {engine.literal(messages / f'{kind.stage:02d}.parquet')} (format parquet)"
                )


async def _bare(home: Path) -> int:
    import aiohttp
    import duckdb
    from yarl import URL

    base, token = os.environ["PROVINCE_URL"], os.environ["PROVINCE_TOKEN"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/xml; charset=utf-8"}
    connector = aiohttp.TCPConnector(limit=32)
    sent = 0
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        for file in sorted((home / "messages").glob("*.parquet")):  # stage after stage, as it must be
            rows = duckdb.sql(f"select address, body from read_parquet('{file}')").fetchall()
            waiting = iter([(base + address, body.encode()) for address, body in rows])

            async def work(waiting=waiting) -> None:
                nonlocal sent
                for url, body in waiting:
                    async with session.post(URL(url, encoded=True), data=body) as response:
                        answer = await response.json()
                        assert answer["code"] == 0, answer
                    sent += 1

            await asyncio.gather(*(work() for _ in range(32)))
    return sent


def client(which: str, home: Path) -> None:
    """One client's turn, in this process; prints its figures as JSON."""
    import uvloop

    from exchange.push import push
    from wangting import ledger

    ledger.engine()
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    if which == "bare":
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            sent = runner.run(_bare(home))
    else:
        sent = push().acknowledged
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"sent": sent, "seconds": seconds, "cpu": cpu, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """This process's own peak; what getrusage says, a child has from its parent."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def turn(which: str, home: Path) -> dict[str, float]:
    """Run one client against a fresh province."""
    from simulator import province

    with tempfile.TemporaryDirectory() as folder:
        theirs = Path(folder)
        settings = province.start(theirs)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.push", "--turn", which, "--home", str(home)],
                env=os.environ | settings | {"WANGTING_HOME": str(home)},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            province.stop(theirs)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _again(home: Path) -> None:
    """Everything may be sent once more: each turn starts from the same ledger, as it was before the first."""
    from wangting import ledger

    ledger.engine().dispose()
    file, kept = home / "ledger.sqlite", home / "ledger.before"
    if not kept.exists():
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(kept)) as target:
            source.backup(target)
    for left in home.glob("ledger.sqlite-*"):
        left.unlink()
    shutil.copyfile(kept, file)


def main() -> None:
    """Prepare once, then let both take turns."""
    given = argparse.ArgumentParser()
    given.add_argument("--cases", type=int, default=4000)
    given.add_argument("--rounds", type=int, default=2)
    given.add_argument("--turn")
    given.add_argument("--home", type=Path)
    wanted = given.parse_args()
    if wanted.turn:
        client(wanted.turn, wanted.home)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["WANGTING_HOME"] = str(home)
        prepare(home, wanted.cases)
        rates: dict[str, list[float]] = {"bare": [], "push": []}
        for _ in range(wanted.rounds):
            for which in ("bare", "push"):
                _again(home)
                figures = turn(which, home)
                rates[which].append(figures["sent"] / figures["seconds"])
                print(
                    f"{which}: {figures['sent']:,} records, {rates[which][-1]:,.0f} records/s,"
                    f" CPU {figures['cpu']:.1f} s, peak {figures['peak_mb']:.0f} MB"
                )
        best = {which: max(found) for which, found in rates.items()}
        print(f"ratio push / bare: {best['push'] / best['bare']:.2f} (aim ≥ 0.6)")


if __name__ == "__main__":
    main()
