"""The warehouse build at a million cases: full, after the first day of a month, after a day that is none, and after a
change of 1 % random keys.

The yardstick is one DuckDB process that reads every landed row of every system, keeps the newest of each key and
writes it: the least that any warehouse must do. `python -m benchmarks.build [--cases N] [--home FOLDER]`.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks.measuring import Cost, machine, process, wangting


def least(home: Path, target: Path) -> None:
    """Read every landed row, keep the newest of each key, write it: the least that any warehouse must do. One pass a
    table, in this process."""
    from wangting.landed import paths, quoted
    from wangting.site import current_site

    con = duckdb.connect(
        str(target), config={"threads": "2", "memory_limit": "3GB", "preserve_insertion_order": "false"}
    )
    for source in current_site().sources:
        for name, table in source.tables.items():
            files = [str(file) for file in paths(source.name, name)]
            if not files:
                continue
            key = ", ".join(map(quoted, table.key))
            newest = f"{quoted(table.cursor)} desc nulls last, " if table.cursor else ""
            con.execute(f"""
                create table "{source.name}__{name}" as select * exclude (place) from (
                    select *, row_number() over (
                        partition by {key} order by {newest}_loaded_at desc, _row_hash desc) as place
                    from read_parquet({files}, union_by_name = true, hive_partitioning = false))
                where place = 1
            """)
    con.close()


def touch(home: Path, share: float) -> int:
    """Correct a random share of the platform's cases at the source; how many."""
    import json

    from wangting import clock, engine

    url = json.loads((home / "simulator" / "connections.json").read_text())["UNIFIED_PLATFORM_URL"]
    con = engine.connect()
    engine.load_extension(con, "postgres_scanner")
    con.execute(f"attach '{url}' as pg (type postgres)")
    columns = [row[0] for row in con.execute("select column_name from (describe pg.ex_gdbs_sb)").fetchall()]
    picked = ", ".join(
        {
            "version": "version + 100",
            "inserttime": f"timestamp '{clock.now()}'",
            "lxrsj": "'13800000000'",
        }.get(c, c)
        for c in columns
    )
    con.execute(f"""
        insert into pg.ex_gdbs_sb by name
        select * from (select {picked} from pg.ex_gdbs_sb) as t({", ".join(columns)})
        where hash(sblsh) % 100000 < {int(share * 100000)}
    """)
    return int(con.execute("select count(*) from pg.ex_gdbs_sb where version > 100").fetchone()[0])  # type: ignore[index]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=1_000_000)
    options.add_argument("--home", type=Path)
    options.add_argument("--least", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.least:
        least(given.home, given.least)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = (given.home or Path(folder) / "var").absolute()
        os.environ["WANGTING_HOME"] = str(home)
        print(machine())
        if not (home / "simulator" / "connections.json").exists():
            print(f"simulate up           {wangting('simulate', 'up', '--cases', str(given.cases))}")
        print(f"pull                  {wangting('pull')}")
        rows = sum(
            duckdb.sql(f"select count(*) from read_parquet('{file}')").fetchall()[0][0]
            for file in (home / "landing").rglob("*.parquet")
        )
        full = wangting("build", "warehouse", "--full")
        print(f"full build            {full}  {rows:,} rows, {rows / full.wall:,.0f} rows/s")
        plain = process(
            [
                sys.executable,
                "-m",
                "benchmarks.build",
                "--home",
                str(home),
                "--least",
                f"{folder}/plain.duckdb",
            ]
        )
        print(f"least pass            {plain}")
        print(f"ratio full / least    {full.cpu / plain.cpu:.2f} CPU, {full.wall / plain.wall:.2f} wall")
        # Start-up: what the same two builds cost where there is next to nothing to build.
        full_start, first_start, part_start = start_up(Path(folder) / "small")
        print(f"full build, 1,000 cases   {full_start}")
        print(f"after a new month, same   {first_start}\nbuild after a day, same   {part_start}")
        os.environ["WANGTING_HOME"] = str(home)
        for title, start, change in (
            ("a new month", first_start, lambda: wangting("simulate", "advance", "--hours", "24")),
            ("a day", part_start, lambda: wangting("simulate", "advance", "--hours", "24")),
            ("1 % of keys", part_start, lambda: touch(home, 0.01)),
        ):
            change()
            wangting("pull")
            part = wangting("build", "warehouse")
            share = max(part.cpu - start.cpu, 0) / (full.cpu - full_start.cpu)
            print(
                f"build after {title:<10}{part}  {part.cpu / full.cpu:.1%} of the full build's CPU,", end=""
            )
            print(f" {share:.1%} start-up aside")
        wangting("simulate", "down")


def start_up(home: Path) -> tuple[Cost, Cost, Cost]:
    """A full build, one after the first day of a month and one after a day on a city of 1,000 cases."""
    os.environ["WANGTING_HOME"] = str(home)
    wangting("simulate", "up", "--cases", "1000")
    wangting("pull")
    full = wangting("build", "warehouse", "--full")
    parts = []
    for _ in range(2):  # the city's clock begins on a month's last evening
        wangting("simulate", "advance", "--hours", "24")
        wangting("pull")
        parts.append(wangting("build", "warehouse"))
    wangting("simulate", "down")
    return full, parts[0], parts[1]


if __name__ == "__main__":
    main()
