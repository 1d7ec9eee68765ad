"""The outbox at its limits: millions of open rows in SQLite, tens of millions of final ones as Parquet.

`python -m benchmarks.outbox [open rows] [final rows]`, by default 5,000,000 and 60,000,000. Everything is made in a
temporary home; each figure is of a process of its own, so that its memory is its own too.
"""

import os
import resource
import shutil
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks import measuring

CASE = "1013130050069885741"
MONTHS = [f"{year:02d}{month:02d}" for year in (13, 14, 15, 16, 17) for month in range(1, 13)]
NOW = datetime(2017, 12, 1, 9)
CASES = 500  # of the small batch


def _timed(what: str, started: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {time.monotonic() - started:.2f} s, {peak:,.0f} MB", flush=True)


def load_open(rows: int) -> None:
    """Open rows: eight a case, a third of the cases with their application still to go."""
    from sqlalchemy import insert

    from wangting import ledger

    columns = [column.name for column in ledger.outbox.columns]
    ledger.engine()
    started = time.monotonic()

    def row(number: int) -> dict[str, object]:
        case, stage = divmod(number, 8)
        day = NOW - timedelta(minutes=case % 2_000)
        case_no = f"{CASE}{day:%y%m%d}{case:07d}"[:33]
        is_held = case % 50 == 0
        at = day.isoformat(" ", "microseconds")
        return dict.fromkeys(columns) | {
            "record": f"EX_{stage}", "record_key": f"{case_no}|{stage}", "version": 1, "case_no": case_no,
            "unit_code": "006988574", "source": "unified_platform", "batch_id": "b000001-20171201T090000",
            "payload_hash": f"{number:032x}", "context_hash": f"{number:032x}",
            "state": "HELD" if is_held else "NEW" if stage == 0 or case % 3 else "BLOCKED", "stage": stage,
            "is_backfill": False, "outcome": "held" if is_held else "passed",
            "rules": f"N1.code,C1.{case % 7}" if is_held else None, "attempts": 0,
            "clock_at": at, "due_at": (day + timedelta(hours=12)).isoformat(" ", "microseconds"),
            "business_time": at, "written_at": at, "arrived_at": at, "cut_at": NOW.isoformat(" ", "microseconds"),
        }  # fmt: skip

    statement = str(insert(ledger.outbox).compile(dialect=ledger.engine().dialect))
    for start in range(0, rows, 100_000):
        chunk = [tuple(row(number).values()) for number in range(start, min(start + 100_000, rows))]
        with ledger.transaction() as connection:
            connection.exec_driver_sql(statement, chunk)
    _timed(f"load {rows:,} open rows ({rows / (time.monotonic() - started):,.0f} rows/s)", started)


def status() -> None:
    """The ledger's part of `wangting status`."""
    from exchange import deadline, reading, settling
    from wangting import ledger

    ledger.engine()
    for name, work in (
        ("outbox by type and state", reading._outbox),
        ("held by rule", reading._held),
        ("12 hours", lambda: deadline.figures(NOW + timedelta(hours=1))),
        ("next four hours", lambda: deadline.nearest(NOW)),
        ("next tries", lambda: settling.next_tries(NOW)),
        ("to be read back", settling.unanswered),
    ):
        started = time.monotonic()
        work()
        _timed(f"  {name}", started)


def first_slices() -> None:
    """What a push asks the outbox first: a slice of every record type."""
    from types import SimpleNamespace

    from exchange.queues import Queue

    started = time.monotonic()
    read = 0
    for stage in range(8):
        for state in ("RETRY", "NEW"):
            queue = Queue.__new__(Queue)
            queue._kind = SimpleNamespace(stage=stage, record=f"EX_{stage}")  # type: ignore[assignment]
            queue._state, queue._as_of, queue._after, queue._waits = state, NOW, "", True
            read += len(queue._read())
    _timed(f"first slice of 8 types ({read:,} rows)", started)


def load_final(rows: int) -> None:
    """Final rows, ten a case, as Parquet by case month; named in the ledger."""
    import duckdb
    from sqlalchemy import insert

    from exchange import final_files
    from wangting import engine, ledger

    started = time.monotonic()
    each = rows // len(MONTHS)
    kinds = final_files.kinds_of(ledger.outbox, final_files.NAMES)
    values = {
        "record": "case when n % 10 = 0 then 'EX_GDBS_SB' else 'EX_' || (n % 10) end",
        "record_key": "case_no || '|' || (n % 10)", "version": "1", "case_no": "case_no",
        "unit_code": "'006988574'", "source": "'unified_platform'", "batch_id": "'b1'",
        "payload_hash": "md5(n::varchar)", "context_hash": "md5((n + 1)::varchar)", "state": "'ACK'",
        "stage": "n % 10", "is_backfill": "false", "outcome": "'passed'", "attempts": "1",
        "clock_at": "moment", "due_at": "moment + interval 12 hour", "arrived_at": "moment", "cut_at": "moment",
        "acked_at": "moment + interval 1 hour",
    }  # fmt: skip
    listed = ", ".join(
        f"cast({values.get(name, 'null')} as {kind}) as {name}" for name, kind in kinds.items()
    )
    made = []
    with engine.connect() as work:
        for month in MONTHS:
            path = final_files.folder() / f"case_month={month}" / "one.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            work.execute(f"""
                copy (
                    select {listed}, 'm{month}' as move_id from (
                        select n, timestamp '20{month[:2]}-{month[2:]}-01' + interval (n % 40000) minute as moment,
                            '{CASE}{month}' || lpad((1 + (n // 10) % 28)::varchar, 2, '0')
                                || lpad((n // 280)::varchar, 4, '0') as case_no
                        from range({each}) as numbers (n)
                    ) order by case_no, record
                ) to '{path}' (format parquet, compression zstd, row_group_size 20480)
            """)
            found = duckdb.sql(f"select min(case_no), max(case_no) from '{path}'").fetchall()[0]
            made.append(
                {
                    "path": f"finals/case_month={month}/one.parquet", "case_month": month, "rows": each, "receipts": 0,
                    "last_receipt_id": 0,
                    "from_case": found[0], "to_case": found[1], "made_at": NOW,
                }
            )  # fmt: skip
    with ledger.transaction() as connection:
        connection.execute(insert(ledger.final_files), made)
    size = sum(path.stat().st_size for path in final_files.folder().rglob("*.parquet"))
    _timed(f"{each * len(MONTHS):,} final rows, {size / 2**20:,.0f} MB of Parquet", started)


def small_batch(months: int = len(MONTHS)) -> None:
    """Cut and enqueue a small batch of further stages of cases applied for in the last so many months."""
    from exchange.cut import cut
    from exchange.outbox import enqueue
    from tests.exchange.lane import GO_LIVE, SL, Lane, judge
    from wangting import settings

    lane = Lane(settings.home())
    for number in range(CASES):
        case = f"{CASE}{MONTHS[-months:][number % months]}{1 + number % 28:02d}{number % 3000:04d}"
        lane.put(SL, case, GO_LIVE)
    lane.build()
    started = time.monotonic()
    batch_id = cut().batch_id
    _timed(f"  cut {CASES} records", started)
    assert batch_id is not None
    judge(batch_id)
    started = time.monotonic()
    summary = enqueue(batch_id)
    _timed(f"  enqueue {summary.entered} records", started)


def _step(home: Path, name: str, *arguments: str) -> None:
    import subprocess

    environment = os.environ | {"WANGTING_HOME": str(home)}
    command = [sys.executable, "-m", "benchmarks.outbox", "--step", name, *arguments]
    subprocess.run(command, check=True, env=environment)


def main() -> None:
    """All of it."""
    if sys.argv[1:2] == ["--step"]:
        globals()[sys.argv[2]](*map(int, sys.argv[3:]))
        return
    asked = [int(text) for text in sys.argv[1:3]]
    open_rows, final_rows = asked + [5_000_000, 60_000_000][len(asked) :]
    print(measuring.machine())
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        _step(home, "load_open", str(open_rows))
        print(f"ledger {(home / 'ledger.sqlite').stat().st_size / 2**20:,.0f} MB")
        for name in ("status", "first_slices", "small_batch"):
            print(name)
            _step(home, name)
    for rows in (0, final_rows):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            home.mkdir()
            if rows:
                _step(home, "load_final", str(rows))
            for months in (2, len(MONTHS)):
                print(f"beside {rows:,} final rows, cases of {months} months")
                another = Path(folder) / f"{months}"
                another.mkdir()
                for path in home.iterdir():
                    if path.name.startswith("ledger."):
                        shutil.copyfile(path, another / path.name)
                    elif path.is_dir():
                        (another / path.name).symlink_to(path)
                _step(another, "small_batch", str(months))


if __name__ == "__main__":
    main()
