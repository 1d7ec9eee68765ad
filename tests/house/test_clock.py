"""One clock: nobody but wangting.clock asks the machine what time it is."""

import ast
import re
from pathlib import Path

import pytest

from tests.house import tree

CLOCK = Path("wangting/clock.py")
ASKING = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "localtime"), ("time", "gmtime"), ("time", "strftime"),
}  # fmt: skip
IN_SQL = re.compile(
    r"\b(now|today|getdate|sysdate|curdate|clock_timestamp|statement_timestamp|get_current_time\w*)\s*\(\s*\)"
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
MODULES = [path for path in tree.python_files(*tree.ROOMS) if path != CLOCK]
# Compared with times that the machine itself gave, never with the city's.
OF_THE_MACHINE = {
    "ingestion/files.py: time.time()",  # how long ago a dropped file was last written to
    "operation/probe.py: time.time()",  # how long ago a process last said that it lives
}


def _docstrings(module: ast.Module) -> set[int]:
    """The constants that only document."""
    return {
        id(node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


@pytest.mark.parametrize("path", MODULES, ids=tree.names(MODULES))
def test_a_module_asks_the_house_for_the_time_and_never_the_machine(path):
    module = tree.syntax(path)
    asked = [
        f"{path}:{node.lineno} {ast.unparse(node.func)}()"
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (ast.unparse(node.func.value).rpartition(".")[2], node.func.attr) in ASKING
        and f"{path}: {ast.unparse(node.func)}()" not in OF_THE_MACHINE
    ]
    documents = _docstrings(module)
    asked += [
        f"{path}:{node.lineno} {node.value!r}"
        for node in ast.walk(module)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documents
        # A sentence may speak of now(); only SQL asks with it.
        and re.search(r"\b(select|insert|update|default|where)\b", node.value, re.IGNORECASE)
        and IN_SQL.search(tree.without_comments(node.value))
    ]
    assert not asked


def test_no_model_macro_or_seed_asks_the_database_for_the_time():
    paths = [*tree.under("dbt_project", ".sql"), *tree.staging_models()]
    assert paths
    asked = {
        str(path): found[0]
        for path in paths
        if (found := [match[0] for match in IN_SQL.finditer(tree.without_comments(tree.text(path)))])
    }
    assert not asked


def test_the_rule_sees_what_it_is_meant_to_see():
    for asking in ("select now()", "where t < current_timestamp", "select CURRENT_DATE", "select today()"):
        assert IN_SQL.search(asking)
    for harmless in ("select known()", "as current_timestamp_text", "run.as_of", "select ctx_now"):
        assert not IN_SQL.search(harmless)
