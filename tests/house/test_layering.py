"""Which room may know of which."""

import ast
import subprocess
import sys

import pytest

from tests.house import tree

MAY_IMPORT = {
    "wangting": set(),
    "ingestion": {"wangting"},
    "expectations": {"wangting"},
    "exchange": {"wangting", "expectations"},
    "simulator": {"wangting"},
    "dashboards": {"wangting"},
    "dags": {"wangting", "ingestion", "expectations", "exchange", "simulator"},
    "operation": {"wangting", "dags"},
}
MODULES = tree.python_files(*tree.ROOMS)
# What takes seconds to import; the house's commands must answer without it.
HEAVY = ("dbt", "great_expectations", "airflow", "pandas", "pyarrow", "numpy", "httpx", "aiohttp", "openpyxl")


def _imported(module: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            found.add(node.module or "")
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(str(node.args[0].value))
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("path", MODULES, ids=tree.names(MODULES))
def test_a_room_imports_only_the_rooms_below_it(path):
    room = path.parts[0]
    others = _imported(tree.syntax(path)) & ({*tree.ROOMS, "tests", "benchmarks"} - {room})
    assert others <= MAY_IMPORT[room]


def test_the_command_line_starts_without_a_heavy_library():
    code = (
        "import sys; from wangting.cli import application; application();"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tree.ROOT)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")
