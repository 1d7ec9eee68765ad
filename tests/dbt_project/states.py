"""What a lane's tables hold, to hold two states against each other."""

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wangting import dbt_run
from wangting.build import build
from wangting.dbt_assembly import Lane, lane_file

# Which run last touched a row is no part of what the row says.
RUN_COLUMNS = {"run_no", "_run_no"}
# What this run's own loads were.
OF_THE_RUN = {
    "int_cases_before",
    "int_paths_before",
    "int_steps_before",
    "int_changed_items",
    "int_changed_records",
    "int_changed_aliases",
    "int_touched_cases",
    "int_touched_identities",
    "int_touched_licences",
    "int_touched_persons",
}
# What a number is follows from the number alone, and a table that never forgets one may hold more of them than a full
# build, which does not see what is gone; what the full build has it must have, to the letter.
NEVER_FORGETTING = {"int_identity_keys"}


def keep(lane: Lane, folder: Path) -> None:
    """Copy the lane's files away."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(lane_file(lane).parent, folder)


def rebuild(lane: Lane) -> None:
    """A full build to hold another state against: its models alone, as dbt's own tests looked at that state's rows."""
    before = dbt_run.build

    def models_alone(lane: Lane, folder: Path, arguments: list[str], *more: Any) -> tuple[int, int]:
        return before(lane, folder, [*arguments, "--exclude-resource-type", "test"], *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt_run, "build", models_alone)
        assert build(lane, full=True).mode == "full"


def beside_a_full_build(lane: Lane, folder: Path) -> dict[str, int]:
    """`differences` between what the lane holds and what a full build makes of it; `folder` takes the copy."""
    keep(lane, folder)
    rebuild(lane)
    return differences(lane, folder)


def differences(lane: Lane, kept: Path) -> dict[str, int]:
    """Table → how many rows differ, counted with their repetitions, between the lane now and the kept state."""
    found: dict[str, int] = {}
    for file in sorted(kept.glob("*.duckdb")):
        with duckdb.connect() as connection:
            connection.execute(f"attach '{lane_file(lane, file.stem)}' as now (read_only)")
            connection.execute(f"attach '{file}' as earlier (read_only)")
            tables = connection.execute(
                "select database_name, table_name from duckdb_tables()"
                " where schema_name = 'main' and not temporary order by all"
            ).fetchall()
            names = {name for _, name in tables}
            for name in names - OF_THE_RUN:
                if ("now", name) not in tables or ("earlier", name) not in tables:
                    found[name] = -1
                    continue
                columns = [
                    f'"{column}"'
                    for (column,) in connection.execute(
                        "select column_name from duckdb_columns() where database_name = 'now' and table_name = ?"
                        " order by column_index",
                        [name],
                    ).fetchall()
                    if column not in RUN_COLUMNS
                ]
                pick = ", ".join(columns)
                lost = f"select {pick} from now.main.{name} except all select {pick} from earlier.main.{name}"
                more = f"select {pick} from earlier.main.{name} except all select {pick} from now.main.{name}"
                both = f"({lost})" if name in NEVER_FORGETTING else f"({lost}) union all ({more})"
                (rows,) = connection.execute(f"select count(*) from ({both})").fetchone() or (0,)
                if rows:
                    found[name] = rows
    return found
