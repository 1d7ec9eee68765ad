"""DAG files say when and after what, and nothing else."""

import ast
import os
import subprocess
import sys

import pytest

from tests.house import tree

LONGEST = 60  # lines: a file that schedules and delegates needs no more
DAGS = [path for path in tree.python_files("dags") if "DAG(" in tree.text(path)]
# What a file that only declares has to import when it is parsed, some times a minute.
AT_IMPORT = {"airflow", "wangting", "functools", "operator", "datetime", "pathlib"}
# Run in a fresh interpreter: DAGs load without touching a database, a socket or a file of the house's state.
LOAD = """
import runpy, socket, sqlite3, sys
import airflow.sdk
def refuse(*_, **__):
    raise AssertionError("I/O while a DAG file was imported")
socket.socket.connect = refuse
sqlite3.connect = refuse
from airflow.sdk.definitions._internal.contextmanager import DagContext
DagContext.current_autoregister_module_name = "__main__"
for path in sys.argv[1:]:
    runpy.run_path(path)
for dag, _ in DagContext.autoregistered_dags:
    for task in dag.tasks:
        about = (task.task_id, task.owner, task.retries, task.pool, dag.max_active_runs, bool(dag.tags))
        print(dag.dag_id, *about, sep="|")
assert not {"duckdb", "dbt", "great_expectations", "pandas"} & set(sys.modules), "a heavy library at import"
"""


def test_there_are_dag_files():
    assert {path.name for path in DAGS} >= {"ingest.py", "warehouse_build.py", "exchange_push.py"}


def test_no_dag_file_hides_a_room():
    """Airflow puts the folder of the DAG files first on the path: `exchange.py` there would be imported as the room."""
    rooms = {path.name for path in tree.ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert {path.stem for path in tree.python_files("dags")} & rooms == set()


@pytest.mark.parametrize("path", DAGS, ids=tree.names(DAGS))
def test_a_dag_file_is_short_and_imports_rooms_only_inside_its_tasks(path):
    assert len(tree.text(path).splitlines()) <= LONGEST
    imported = set()
    for node in tree.syntax(path).body:
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported <= AT_IMPORT


def test_dags_load_without_io_and_every_task_has_an_owner_retries_and_a_pool(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *(str(tree.ROOT / path) for path in DAGS)],
        capture_output=True,
        text=True,
        cwd=tree.ROOT,
        env=os.environ
        | {
            "AIRFLOW_HOME": str(tmp_path),
            "WANGTING_HOME": str(tmp_path / "home"),
            "WANGTING_SITE": "chaozhou",
        },
    )
    assert done.returncode == 0, done.stderr[-2000:]
    tasks = [line.split("|") for line in done.stdout.splitlines() if line.count("|") == 6]
    assert {dag for dag, *_ in tasks} >= {"warehouse__build", "exchange__push", "ingest__unified_platform"}
    for dag, task, owner, retries, pool, runs, has_tags in tasks:
        where = f"{dag}.{task}"
        assert owner not in ("", "airflow"), where
        assert int(retries) >= 1, where
        assert pool not in ("", "default_pool"), where
        assert runs == "1" and has_tags == "True", where
