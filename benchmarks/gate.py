"""The gate on 200,000 records against one DuckDB query a record type with the same checks, in the same run.

Run: python -m benchmarks.gate [rows] [share of bad records]
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.batches import MIX, write_apart
from expectations.compiling import judgements
from expectations.gate import judge_folder
from expectations.loading import load_specification
from expectations.model import Specification
from expectations.second_reading import query


def _measured(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The result, wall seconds and CPU seconds of a piece of work."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def _by_query(specification: Specification, folder: Path) -> int:
    """Every broken rule by SQL, written to Parquet as the gate writes its findings; returns their number."""
    con = duckdb.connect(config={"threads": "2"})
    total = 0
    for record in specification.exchanged:
        path = folder / f"{record.lower()}.parquet"
        if path.is_file():
            broken = query(specification, record, f"read_parquet('{path}')")
            target = folder / f"second_{record.lower()}.parquet"
            con.execute(f"copy (select record_key, unnest(broken) as rule from ({broken})) to '{target}'")
            total += con.execute(f"select count(*) from read_parquet('{target}')").fetchall()[0][0]
    return total


def measure(name: str, mix: dict[str, int], rows: int, bad: float) -> dict[str, Any]:
    """Judge one batch both ways, three times each, and take the quickest."""
    specification = load_specification()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "batch"
        write_apart(folder, mix, rows=rows, bad=bad)
        gates, queries = [], []
        findings = written = 0
        for attempt in range(3):
            summary, wall, cpu = _measured(
                lambda attempt=attempt: judge_folder(folder, Path(place) / f"v{attempt}", specification)
            )
            gates.append((wall, cpu))
            findings, written = sum(summary.findings.values()), summary.rows
            total, wall, cpu = _measured(lambda: _by_query(specification, folder))
            queries.append((wall, cpu))
            assert total == findings, (total, findings)
    gate, other = min(gates), min(queries)
    return {
        "batch": name,
        "records": written,
        "bad share": bad,
        "checks": {record: len(judgements(specification, record)) for record in mix},
        "findings": findings,
        "gate s": round(gate[0], 2),
        "gate CPU s": round(gate[1], 2),
        "duckdb s": round(other[0], 2),
        "duckdb CPU s": round(other[1], 2),
        "ratio": round(gate[0] / other[0], 2),
        "CPU ratio": round(gate[1] / other[1], 2),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    bad = float(sys.argv[2]) if len(sys.argv) > 2 else 0.01
    from expectations.suites import RecordSuite

    _, wall, cpu = _measured(lambda: RecordSuite(load_specification(), "EX_GDBS_BJ"))
    print(f"imports (not counted below): {wall:.1f} s, {cpu:.1f} CPU s")
    applications = {"EX_GDBS_SB": 1}
    batches = (("a day's mix", MIX, bad), ("applications", applications, bad), ("all bad", applications, 1.0))
    for name, mix, share in batches:
        for key, value in measure(name, mix, rows, share).items():
            print(f"  {key:14} {value}")
        print()


if __name__ == "__main__":
    main()
