"""Durations, variants and directly-follows counts of the warehouse's models against pm4py on the same events.

    python -m benchmarks.process --pm4py .bench/bin/python [--cases 30000] [--home FOLDER]

A simulated city is landed and built; its events are written to one Parquet file for pm4py, which runs in an environment
of its own (requirements/benchmarks.lock; AGPL, never part of the house). Ours runs the compiled SQL of the models that
the warehouse has, over the tables that the build left. Each way reads its events, computes and holds the results, in a
process of its own; imports aside, processor time counts. The results are held against each other first.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.measuring import machine, wangting

AIM = 4.0
MODELS = ("int_case_paths", "fct_item_paths", "fct_transitions")
# The log as pm4py takes it: every event with its case, its name, and a time that keeps events of one moment in order.
LOG = """
    select application_no as case_id, activity, moment, place
    from (
        select case_no as application_no, 'applied' as activity, applied_at as moment, 0 as place from cases
        union all select case_no, 'pre_accepted', pre_accepted_at, 1 from cases
        union all select case_no, case acceptance_status when '2' then 'refused' else 'accepted' end, accepted_at, 2
            from cases
        union all select case_no, 'closed', closed_at, 8 from cases
        union all select case_no, 'collected', collected_at, 9 from cases
        union all select application_no, 'supplement_noticed', noticed_at, 3
            from main.int_supplement_notices_deduplicated
        union all select application_no, 'supplement_received', received_at, 4
            from main.int_supplement_receipts_deduplicated
        union all select application_no, 'step_' || step_code, handled_at, 5 from main.int_approval_steps_deduplicated
        union all select application_no, 'special_procedure_started', started_at, 6
            from main.int_special_procedure_starts_deduplicated
        union all select application_no, 'special_procedure_ended', ended_at, 7
            from main.int_special_procedure_results_deduplicated
    )
    where moment is not null and application_no in (select case_no from cases)
    order by case_id, moment, place, activity
"""
PM4PY = """
import json, sys, time
import pandas, pm4py
started = time.process_time()
log = pandas.read_parquet(sys.argv[1])
log = pm4py.format_dataframe(log, case_id="case_id", activity_key="activity", timestamp_key="moment")
durations = pm4py.get_all_case_durations(log)
variants = pm4py.get_variants(log)
follows, _, _ = pm4py.discover_dfg(log)
print(json.dumps({
    "cpu": time.process_time() - started,
    "cases": len(durations),
    "variants": sorted([">".join(path), count] for path, count in variants.items()),
    "follows": sorted([*pair, count] for pair, count in follows.items()),
}))
"""


def ours(home: Path, compiled: dict[str, str]) -> dict[str, Any]:
    """Paths, variants and directly-follows by the models' SQL, and every closed case's duration; what came out."""
    marts = home / "lanes" / "warehouse" / "marts.duckdb"
    started = time.process_time()
    con = duckdb.connect(config={"threads": "2"})
    con.execute(f"attach '{home / 'lanes' / 'warehouse' / 'warehouse.duckdb'}' as warehouse (read_only)")
    con.execute(f"attach '{marts}' as marts (read_only)")
    for name in MODELS:
        sql = compiled[name]
        for earlier in MODELS:
            for lane in ("warehouse", "marts"):
                sql = sql.replace(f'"{lane}"."main"."{earlier}"', f"memory.main.{earlier}")
        con.execute(f"create table memory.main.{name} as {sql}")
    con.execute(
        "create table memory.main.durations as select case_no, handling_working_days, handling_days,"
        " epoch(coalesce(collected_at, closed_at)) - epoch(applied_at) as seconds from marts.main.fct_cases"
        " where closed_at is not null"
    )
    cpu = time.process_time() - started
    return {
        "cpu": cpu,
        "cases": con.execute("select count(*) from durations").fetchall()[0][0],
        "variants": con.execute(
            "select path, cast(sum(case_count) as bigint) from fct_item_paths group by 1 order by 1"
        ).fetchall(),
        "follows": con.execute(
            "select from_activity, to_activity, cast(sum(transition_count) as bigint) from fct_transitions"
            " group by 1, 2 order by 1, 2"
        ).fetchall(),
    }


def compiled_models() -> dict[str, str]:
    """The SQL of the models as a full build runs it."""
    from wangting import dbt_run
    from wangting.dbt_assembly import assemble
    from wangting.site import current_site

    folder = assemble("warehouse", current_site()).folder
    results = dbt_run.invoke("warehouse", folder, ["compile", "--full-refresh", "--select", " ".join(MODELS)])
    return {result.node.name: result.node.compiled_code for result in results}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pm4py", help="a Python that has pm4py; without it only our own side runs")
    options.add_argument("--cases", type=int, default=30_000)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--home", type=Path)
    options.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.ours:
        print(json.dumps(ours(given.home, json.loads(given.ours.read_text("utf-8")))))
        return
    with tempfile.TemporaryDirectory() as folder:
        home = (given.home or Path(folder) / "var").absolute()
        os.environ["WANGTING_HOME"] = str(home)
        print(machine())
        if not (home / "lanes" / "warehouse" / "marts.duckdb").exists():
            wangting("simulate", "up", "--cases", str(given.cases))
            wangting("pull")
            wangting("build", "warehouse", "--full")
            wangting("simulate", "down")
        log, sql = Path(folder) / "log.parquet", Path(folder) / "models.json"
        sql.write_text(json.dumps(compiled_models()), "utf-8")
        with duckdb.connect(str(home / "lanes" / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
            con.execute(
                "create temp view cases as select * from main.int_cases_accumulated"
                " where has_application and closed_at is not null"
            )
            con.execute(f"copy ({LOG}) to '{log}' (format parquet)")
        events = duckdb.sql(f"select count(*) from '{log}'").fetchall()[0][0]
        mine = _best(
            [sys.executable, "-m", "benchmarks.process", "--home", str(home), "--ours", str(sql)], given
        )
        print(
            f"events                {events:,} of {mine['cases']:,} cases, {len(mine['variants']):,} variants"
        )
        print(f"the models            {mine['cpu']:.2f} CPU s")
        if given.pm4py:
            theirs = _best([given.pm4py, "-c", PM4PY, str(log)], given)
            for what in ("cases", "variants", "follows"):
                if theirs[what] != mine[what]:
                    raise SystemExit(f"the two do not agree on {what}")
            print(f"pm4py                 {theirs['cpu']:.2f} CPU s")
            print(f"pm4py / the models    {theirs['cpu'] / mine['cpu']:.1f} (aim ≥ {AIM:.0f})")


def _best(command: list[str], given: argparse.Namespace) -> dict[str, Any]:
    """The run with the least processor time."""
    runs = []
    for _ in range(given.repeat):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        runs.append(json.loads(done.stdout.strip().splitlines()[-1]))
    return min(runs, key=lambda run: float(run["cpu"]))


if __name__ == "__main__":
    main()
