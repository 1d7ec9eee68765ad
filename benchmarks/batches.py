"""A synthetic batch for the gate's benchmark: valid records, a share of them broken in one place."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from expectations.model import Specification
from tests.expectations import records

# How a city's day is made up, in records of 200.
MIX = {
    "EX_GDBS_SB": 40, "EX_GDBS_WSYSL": 16, "EX_GDBS_SL": 38, "EX_GDBS_SPCL": 60, "EX_GDBS_BJGZ": 2, "EX_GDBS_BJSL": 2,
    "EX_GDBS_TBCXSQ": 1, "EX_GDBS_TBCXJG": 1, "EX_GDBS_BJ": 30, "EX_GDBS_LQDJ": 10,
}  # fmt: skip


def break_one(specification: Specification, record: str, row: dict[str, Any], chance: random.Random) -> None:
    """Break one field of a record."""
    fields = specification.records[record].fields
    name = chance.choice([name for name, field in fields.items() if field.type == "text" and field.required])
    row[name.lower()] = chance.choice(
        [None, "无", "　 ", "长" * ((fields[name].bytes or 1) // 2 + 1), "x\x01"]
    )


def write_apart(folder: Path, mix: dict[str, int], *, rows: int, bad: float) -> None:
    """Write a batch in a process of its own, so that making it does not count as the gate's memory."""
    arguments = [str(folder), json.dumps(mix), str(rows), str(bad)]
    subprocess.run([sys.executable, "-m", "benchmarks.batches", *arguments], check=True)


def write_batch(
    specification: Specification, folder: Path, mix: dict[str, int], *, rows: int, bad: float, seed: int = 7
) -> int:
    """Write a batch of about `rows` records, a share `bad` of them broken; returns how many there are."""
    chance = random.Random(seed)
    written = 0
    for record, share in mix.items():
        count = rows * share // sum(mix.values())
        made = []
        for number in range(count):
            row = records.valid(specification, record, number)
            if chance.random() < bad:
                break_one(specification, record, row, chance)
            made.append(row)
        records.write(specification, record, made, folder)
        written += count
    return written


if __name__ == "__main__":
    from expectations.loading import load_specification

    place, shares, count, share = sys.argv[1:]
    write_batch(load_specification(), Path(place), json.loads(shares), rows=int(count), bad=float(share))
