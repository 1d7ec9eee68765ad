"""What a statement reads, in the words of DuckDB's own parser.

Superset filters rows by rewriting SQL with a parser that is not the database's; what the two understand differently
(PIVOT, SUMMARIZE, COPY in Superset 6.1) goes through unfiltered. Here the very parser that will run the statement
says what is in it, and what is not known to be harmless is refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import duckdb

# Functions in FROM that make rows from their arguments alone.
_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
# What reads settings, variables or other state of the process instead of its arguments.
_STATE_FUNCTIONS = frozenset(
    {"current_setting", "getvariable", "getenv", "current_query", "nextval", "currval", "write_log"}
)
_FROM_TYPES = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST", "TABLE_FUNCTION"})
_NODE_TYPES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
# How SQLAlchemy finds out about tables; it names these and nothing else.
_CATALOGUE_FUNCTIONS = frozenset(
    {"duckdb_schemas", "duckdb_tables", "duckdb_views", "duckdb_columns", "duckdb_constraints"}
)
_CATALOGUE_SCHEMAS = frozenset({"information_schema", "pg_catalog"})


class RefusedError(Exception):
    """A statement that is not run. Its text is for the person who wrote the statement."""


_parser_lock = threading.Lock()
_parser: duckdb.DuckDBPyConnection | None = None


def _tree(sql: str) -> dict[str, Any]:
    global _parser
    with _parser_lock:
        if _parser is None:
            _parser = duckdb.connect(":memory:", config={"threads": "1", "enable_external_access": "false"})
        row = _parser.execute("select json_serialize_sql(?::varchar)", [sql]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        if tree.get("error_type") == "not implemented":
            raise RefusedError("只能运行 SELECT 查询（不含 PIVOT、EXPLAIN、SET、COPY、ATTACH 等语句）")
        raise RefusedError(f"SQL 语句无法解析：{tree.get('error_message', '')}")
    if len(tree["statements"]) != 1:
        raise RefusedError("一次只能运行一条语句")
    return tree


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        at = stack.pop()
        if isinstance(at, dict):
            yield at
            stack.extend(at.values())
        elif isinstance(at, list):
            stack.extend(at)


def tables_read(sql: str, *, catalog: str, schema: str) -> set[str]:
    """The tables that a statement names, common table expressions included.

    Raises `RefusedError` for anything but one SELECT, for tables of another catalog or schema, table functions that
    read anything, functions that read the process's state, time travel, SHOW, DESCRIBE and SUMMARIZE.
    """
    names: set[str] = set()
    for at in _dicts(_tree(sql)):
        _look(at, catalog, schema, names)
    return names


def _look(at: dict[str, Any], catalog: str, schema: str, names: set[str]) -> None:
    kind = at.get("type")
    if "from_table" in at and (kind not in _NODE_TYPES or at["from_table"].get("type") not in _FROM_TYPES):
        raise RefusedError("查询的数据来源不被允许（只能查询已授权的数据集）")
    for side in ("left", "right"):
        if kind == "JOIN" and at[side].get("type") not in _FROM_TYPES:
            raise RefusedError("查询的数据来源不被允许（只能查询已授权的数据集）")
    if "table_name" in at and "schema_name" in at:
        if kind != "BASE_TABLE":
            raise RefusedError("不能使用 SHOW、DESCRIBE、SUMMARIZE")
        if at["catalog_name"].lower() not in ("", catalog) or at["schema_name"].lower() not in ("", schema):
            raise RefusedError(f"没有这个库或模式：{at['catalog_name'] or at['schema_name']}")
        if at.get("at_clause"):
            raise RefusedError("不能查询表的其他时点")
        names.add(at["table_name"].lower())
    if kind == "TABLE_FUNCTION":
        function = at["function"]
        if (
            function.get("class") != "FUNCTION"
            or function["function_name"].lower() not in _TABLE_FUNCTIONS
            or function["schema"]
        ):
            raise RefusedError(f"不能在 FROM 中使用函数：{function.get('function_name', '')}")
    if at.get("class") == "FUNCTION" and at["function_name"].lower() in _STATE_FUNCTIONS:
        raise RefusedError(f"不能使用函数：{at['function_name']}")


def reads_only_catalogue(sql: str) -> bool:
    """Whether a statement reads the database's own lists of tables and columns and nothing else."""
    try:
        tree = _tree(sql)
    except RefusedError:
        return False
    for at in _dicts(tree):
        kind = at.get("type")
        if "from_table" in at and at["from_table"].get("type") not in _FROM_TYPES:
            return False
        if "table_name" in at and "schema_name" in at:
            schema, table = at["schema_name"].lower(), at["table_name"].lower()
            if schema not in _CATALOGUE_SCHEMAS and (schema or not table.startswith("pg_")):
                return False
        if (
            kind == "TABLE_FUNCTION"
            and at["function"].get("function_name", "").lower() not in _CATALOGUE_FUNCTIONS | _TABLE_FUNCTIONS
        ):
            return False
        if at.get("class") == "FUNCTION" and at["function_name"].lower() in _STATE_FUNCTIONS:
            return False
    return True
