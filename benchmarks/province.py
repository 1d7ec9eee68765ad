"""A month of the province in the warehouse: 8.58 million cases, some 50 million records, built on one machine.

No simulated city is that large. What a city landed is taken several times instead, each copy with case numbers of its
own; persons, licences, items and all that is no part of a case stay those of the one city.

    python -m benchmarks.province --home FOLDER [--copies 9]

`--home`: a home in which a city of a million cases has landed, as `benchmarks.build --home` leaves one; only read.
"""

import argparse
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks.measuring import machine, wangting
from wangting.engine import literal
from wangting.landed import quoted
from wangting.source_spec import Table

# What the two digits before a case number's last two become, so that no copy has a number of another.
_ALPHABETS = ("0123456789", "ABCDEFGHIJ", "KLMNOPQRST", "abcdefghij", "klmnopqrst")


def numbered(column: str, copy: int) -> str:
    """SQL of a case number's text in one of up to 25 copies; copy 0 is the number itself."""
    first, second = (_ALPHABETS[place] for place in divmod(copy, len(_ALPHABETS)))
    text, digits = f"cast({column} as varchar)", _ALPHABETS[0]
    return (
        f"concat(left({text}, -4), translate(substr({text}, -4, 1), '{digits}', '{first}'), "
        f"translate(substr({text}, -3, 1), '{digits}', '{second}'), right({text}, 2))"
    )


def case_tables() -> Iterator[tuple[str, str, Table]]:
    """The tables of the site whose rows are of cases: source, name, declaration."""
    from wangting.site import current_site

    for source in current_site().sources:
        for name, table in source.tables.items():
            if table.case_no is not None and table.columns[table.case_no] == "string":
                yield source.name, name, table


def multiply(home: Path, copies: int) -> int:
    """Land the cases of a home `copies` times in all; how many rows that added."""
    con = duckdb.connect(config={"threads": "2", "memory_limit": "4GB", "preserve_insertion_order": "false"})
    ledger = sqlite3.connect(home / "ledger.sqlite")
    ledger.row_factory = sqlite3.Row
    added = 0
    for source, name, table in case_tables():
        number = quoted(str(table.case_no))
        loads = ledger.execute(
            "select * from loads where source = ? and table_name = ? and state = 'committed'", (source, name)
        ).fetchall()
        for load in loads:
            for copy in range(1, copies):
                load_id = f"{load['load_id']}-{copy}"
                file = (home / load["path"]).with_name(f"{load_id}.parquet")
                changed = {number: numbered(number, copy), "_load_id": literal(load_id)}
                if table.case_no not in table.key:
                    # A row with a key of its own, such as a material's.
                    key = quoted(table.key[0])
                    changed[key] = f"concat(cast({key} as varchar), '-{copy}')"
                replaced = ", ".join(f"{value} as {column}" for column, value in changed.items())
                con.execute(
                    f"copy (select * replace ({replaced}) from read_parquet({literal(str(home / load['path']))}, "
                    f"hive_partitioning = false)) to {literal(str(file))} (format parquet, compression zstd)"
                )
                (last,) = ledger.execute("select max(commit_seq) from loads").fetchone()
                values = dict(load) | {
                    "load_id": load_id,
                    "path": file.relative_to(home).as_posix(),
                    "commit_seq": last + 1,
                }
                ledger.execute(
                    f"insert into loads ({', '.join(values)}) values ({', '.join('?' * len(values))})",
                    list(values.values()),
                )
                added += load["rows"]
    ledger.commit()
    ledger.close()
    return added


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--home", type=Path, required=True)
    options.add_argument("--copies", type=int, default=9)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.home.absolute().parent) as folder:
        home = Path(folder) / "var"
        home.mkdir()
        shutil.copytree(given.home / "landing", home / "landing", copy_function=os.link)
        shutil.copytree(given.home / "keys", home / "keys")
        shutil.copy(given.home / "clock.json", home)
        with (
            sqlite3.connect(given.home / "ledger.sqlite") as source,
            sqlite3.connect(home / "ledger.sqlite") as copy,
        ):
            source.backup(copy)
        os.environ["WANGTING_HOME"] = str(home)
        # The usual 3 GB are for a city. Beside what DuckDB may have, a process of ours takes a gigabyte.
        os.environ.setdefault("WANGTING_MEMORY", "10GB")
        print(machine())
        print(f"{multiply(home, given.copies):,} rows added to what the city landed")
        full = wangting("build", "warehouse", "--full")
        with duckdb.connect(str(home / "lanes" / "warehouse" / "marts.duckdb"), read_only=True) as marts:
            cases, steps = marts.execute(
                "select (select count(*) from fct_cases), (select count(*) from fct_steps)"
            ).fetchall()[0]
        print(f"full build            {full}  {cases:,} cases, {steps:,} approval steps")


if __name__ == "__main__":
    main()
