"""A synthetic batch for the gate's benchmark: valid records, a share of them broken in one place."""

import json
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.model import Specification
from tests.expectations import records

# How a city's day is made up, in records of 200.
MIX = {
    "EX_GDBS_SB": 40, "EX_GDBS_WSYSL": 16, "EX_GDBS_SL": 38, "EX_GDBS_SPCL": 60, "EX_GDBS_BJGZ": 2, "EX_GDBS_BJSL": 2,
    "EX_GDBS_TBCXSQ": 1, "EX_GDBS_TBCXJG": 1, "EX_GDBS_BJ": 30, "EX_GDBS_LQDJ": 10,
}  # fmt: skip

# In the place of a share of bad records: all of them bad in everything, or all the very same record, bad in one place.
EVERYTHING, IDENTICAL = 2.0, -1.0


def break_one(specification: Specification, record: str, row: dict[str, Any], chance: random.Random) -> None:
    """Break one field of a record."""
    fields = specification.records[record].fields
    name = chance.choice([name for name, field in fields.items() if field.type == "text" and field.required])
    row[name.lower()] = chance.choice(
        [None, "无", "　 ", "长" * ((fields[name].bytes or 1) // 2 + 1), "x\x01"]
    )


def break_all(specification: Specification, record: str, number: int) -> dict[str, Any]:
    """A record that breaks about every rule at once, in values of its own."""
    row = records.valid(specification, record, number)
    for name, field in specification.records[record].fields.items():
        if field.type == "text":
            long = min(field.bytes or 1, 400)  # where more would only be more of the same
            row[name.lower()] = None if field.required and number % 2 else "长" * long + f"\x01{number}"
        elif field.type == "time":
            row[name.lower()] = (datetime(1990, 1, 1) if number % 2 else datetime(2099, 1, 1)) + timedelta(
                seconds=number
            )
        else:
            row[name.lower()] = 2_000_000_000
    for name, value in row.items():
        if name.startswith("ctx_") and isinstance(value, bool):
            row[name] = not value
    return row


def write_apart(folder: Path, mix: dict[str, int], *, rows: int, bad: float) -> None:
    """Write a batch in a process of its own, so that making it does not count as the gate's memory."""
    arguments = [str(folder), json.dumps(mix), str(rows), str(bad)]
    subprocess.run([sys.executable, "-m", "benchmarks.batches", *arguments], check=True)


def write_batch(
    specification: Specification, folder: Path, mix: dict[str, int], *, rows: int, bad: float, seed: int = 7
) -> int:
    """Write a batch of about `rows` records, a share `bad` of them broken; returns how many there are.

    Args:
        bad: the share broken in one place, or EVERYTHING or IDENTICAL.
    """
    chance = random.Random(seed)
    written = 0
    for record, share in mix.items():
        count = rows * share // sum(mix.values())
        if bad == IDENTICAL:
            _write_identical(specification, record, count, folder)
            written += count
            continue
        made = []
        for number in range(count):
            if bad == EVERYTHING:
                made.append(break_all(specification, record, number))
                continue
            row = records.valid(specification, record, number)
            if chance.random() < bad:
                break_one(specification, record, row, chance)
            made.append(row)
        records.write(specification, record, made, folder)
        written += count
    return written


def _write_identical(specification: Specification, record: str, count: int, folder: Path) -> None:
    """One record so many times, key and all, in row groups of the cut's size."""
    row = records.valid(specification, record) | {"sxmc": None}
    one = pa.Table.from_pylist([row] * 30_000, schema=records.schema(specification, record))
    folder.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(folder / f"{record.lower()}.parquet", one.schema) as file:
        for start in range(0, count, one.num_rows):
            file.write_table(one.slice(0, min(one.num_rows, count - start)))


if __name__ == "__main__":
    from expectations.loading import load_specification

    place, shares, count, share = sys.argv[1:]
    write_batch(load_specification(), Path(place), json.loads(shares), rows=int(count), bad=float(share))
