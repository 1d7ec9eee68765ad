"""The gate on 200,000 records against one DuckDB query a record type with the same checks, in the same run.

The gate runs in a process of its own, which also says its peak of memory.

Run: python -m benchmarks.gate [rows] [share of bad records]
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.batches import EVERYTHING, IDENTICAL, MIX, write_apart
from expectations.compiling import judgements
from expectations.documents import make
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


def _gate_apart(folder: Path, verdicts: Path) -> dict[str, Any]:
    """The gate alone, in a process of its own: so its peak is nobody else's."""
    command = [sys.executable, "-m", "benchmarks.gate", "--gate-alone", str(folder), str(verdicts)]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return told


def _gate_alone(folder: Path, verdicts: Path) -> None:
    """What `_gate_apart` runs: judge, and say what it took, imports aside."""
    from expectations.suites import RecordSuite

    specification = load_specification()
    RecordSuite(specification, "EX_GDBS_BJ")  # the imports
    imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    summary, wall, cpu = _measured(lambda: judge_folder(folder, verdicts, specification))
    assert not summary.alarms, summary.alarms
    _, page_wall, page_cpu = _measured(lambda: make(verdicts, specification))
    told = {"wall": wall, "cpu": cpu, "page_wall": page_wall, "page_cpu": page_cpu}
    told |= {"records": summary.rows, "findings": sum(summary.findings.values()), "imported": imported}
    print(json.dumps(told | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def measure(name: str, mix: dict[str, int], rows: int, bad: float, *, times: int = 3) -> dict[str, Any]:
    """Judge one batch both ways, so many times each, and take the quickest."""
    specification = load_specification()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "batch"
        write_apart(folder, mix, rows=rows, bad=bad)
        gates, queries = [], []
        for attempt in range(times):
            gates.append(_gate_apart(folder, Path(place) / f"v{attempt}"))
            total, wall, cpu = _measured(lambda: _by_query(specification, folder))
            queries.append((wall, cpu))
            assert total == gates[-1]["findings"], (total, gates[-1]["findings"])
    gate, other = min(gates, key=lambda told: told["wall"]), min(queries)
    return {
        "batch": name,
        "records": gate["records"],
        "checks": {record: len(judgements(specification, record)) for record in mix},
        "findings": gate["findings"],
        "gate s": round(gate["wall"], 2),
        "gate CPU s": round(gate["cpu"], 2),
        "duckdb s": round(other[0], 2),
        "duckdb CPU s": round(other[1], 2),
        "ratio": round(gate["wall"] / other[0], 2),
        "CPU ratio": round(gate["cpu"] / other[1], 2),
        "page CPU s": round(gate["page_cpu"], 2),
        "gate's peak MB": max(told["peak"] for told in gates),
        "of it imports": gate["imported"],
    }


def main() -> None:
    if sys.argv[1:2] == ["--gate-alone"]:
        _gate_alone(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    bad = float(sys.argv[2]) if len(sys.argv) > 2 else 0.01
    applications = {"EX_GDBS_SB": 1}
    batches = (
        ("a day's mix", MIX, rows, bad, 3),
        ("applications", applications, rows, bad, 3),
        ("every record bad", applications, rows, 1.0, 3),
        ("every rule broken in every record", applications, rows, EVERYTHING, 1),
        ("a million identical records", applications, 5 * rows, IDENTICAL, 1),
    )
    for name, mix, count, share, times in batches:
        for key, value in measure(name, mix, count, share, times=times).items():
            print(f"  {key:14} {value}")
        print(flush=True)


if __name__ == "__main__":
    main()
