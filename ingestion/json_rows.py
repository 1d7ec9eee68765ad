"""Rows inside JSON documents as a relation of text columns; DuckDB reads the documents, Python does not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from ingestion.columns import quoted
from wangting.engine import literal

_LEAST = 1 << 24  # bytes that one document may have in any case


def found(body: Any, path: str) -> Any:
    """What stands in a document under names joined by dots; empty: the document itself. None: nothing does."""
    for name in path.split(".") if path else ():
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body


def rows(files: Path | str, path: str, names: Sequence[str], longest: int) -> str:
    """SQL of the rows of all documents.

    Args:
        files: one file or a pattern; gzipped where the name says so.
        path: where the list of rows stands; empty: each document is the list, or holds one row a line.
        names: the members of a row that become columns, as text; a list or an object as its JSON.
        longest: bytes of the longest document.
    """
    limit = f"maximum_object_size = {max(longest * 2, _LEAST)}"
    if not path:
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        return f"read_json({literal(files)}, format = 'auto', columns = {{{columns}}}, {limit})"
    kind = f"STRUCT({', '.join(f'{quoted(name)} VARCHAR' for name in names)})[]"
    return f"(SELECT one.* FROM {_lists(files, path, kind, limit)})"


def has_list(connection: duckdb.DuckDBPyConnection, file: Path, path: str, longest: int) -> bool:
    """Whether the document has a list under the path; without a path it need not be one.

    Raises:
        duckdb.Error: the file is no JSON.
    """
    if not path:
        return True
    place = "$" + "".join(f'."{name}"' for name in path.split("."))
    kinds = connection.execute(
        f"SELECT json_type(json, {literal(place)}) FROM read_json_objects({literal(file)}, "
        f"format = 'unstructured', maximum_object_size = {max(longest * 2, _LEAST)})"
    ).fetchall()
    return all(kind == "ARRAY" for (kind,) in kinds)


def members(file: Path, path: str, longest: int) -> str:
    """SQL of the names (`name`) that the rows of a document have."""
    limit = f"maximum_object_size = {max(longest * 2, _LEAST)}"
    if not path:
        source = f"(SELECT json AS one FROM read_json_objects({literal(file)}, format = 'auto', {limit}))"
    else:
        source = _lists(file, path, "JSON[]", limit)
    return f"(SELECT DISTINCT unnest(json_keys(one)) AS name FROM {source})"


def _lists(files: Path | str, path: str, kind: str, limit: str) -> str:
    first, *others = path.split(".")
    for name in reversed(others):
        kind = f"STRUCT({quoted(name)} {kind})"
    place = ".".join(quoted(name) for name in (first, *others))
    return (
        f"(SELECT unnest({place}) AS one FROM read_json({literal(files)}, format = 'unstructured', "
        f"columns = {{{literal(first)}: {literal(kind)}}}, {limit}))"
    )
