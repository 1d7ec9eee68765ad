"""One dropped document as a relation: named text columns, and `_row`, the line as the person sees it."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ingestion import json_rows, xml_rows
from ingestion.encodings import as_utf8, unmarked
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.source_spec import Table

_LONGEST_LINE = 1 << 24  # bytes


@dataclass
class Sheet:
    """A document that can be read, once.

    Attributes:
        relation: SQL of its lines, blank ones too: the columns below, `_row`, and `_sheet` where all sheets are read.
        columns: the header's names, in its order.
    """

    relation: str
    columns: list[str]
    warnings: list[str] = field(default_factory=list)


def read_csv(
    connection: duckdb.DuckDBPyConnection, file: Path, table: Table, folder: Path, where: str
) -> Sheet:
    """A CSV file in any encoding that Python knows; `_row` counts records, not the line breaks inside them.

    Args:
        folder: empty, for what must be written anew to be read.

    Raises:
        WangtingError: empty, not in the declared encoding, or with an ambiguous header.
    """
    source = as_utf8(file, table.encoding, folder / "utf8", where)
    with source.open(encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, delimiter=table.delimiter)
        try:
            header = [name.strip() for name in _header(lines, table.header_row)]
        except csv.Error:
            header = []
    if not any(header):
        raise WangtingError("文件是空的", place=where, mend="请来源重新导出后放入")
    refuse_twins(header, where)
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    raw = (
        f"read_csv({literal(source)}, columns = {{{types}}}, header = false, skip = {table.header_row}, "
        f"delim = {literal(table.delimiter)}, quote = '\"', escape = '\"', auto_detect = false, "
        # One reader keeps the order in which the lines stand.
        f"parallel = false, strict_mode = true, max_line_size = {_LONGEST_LINE}, buffer_size = {2 * _LONGEST_LINE})"
    )
    return Sheet(f"(SELECT row_number() OVER () + {table.header_row} AS _row, * FROM {raw})", header)


def read_json(
    connection: duckdb.DuckDBPyConnection, file: Path, table: Table, folder: Path, where: str
) -> Sheet:
    """A JSON document with a list of rows, or with a row a line; `_row` counts rows.

    Raises:
        WangtingError: not in its encoding, no JSON, or nothing where the rows should stand.
    """
    source = unmarked(as_utf8(file, _encoding(table), folder / "utf8", where), folder / "unmarked")
    size, path = source.stat().st_size, table.element or ""
    if not size:
        raise WangtingError("文件是空的", place=where, mend="请来源重新导出后放入")
    try:
        if not json_rows.has_list(connection, source, path, size):
            raise WangtingError(f"JSON 中没有列表 {path}", place=where, mend="请来源核对格式，或改正 element")
        found = connection.execute(f"SELECT name FROM {json_rows.members(source, path, size)}").fetchall()
    except duckdb.Error:
        raise WangtingError("不是有效的 JSON", place=where, mend="请来源重新导出后放入") from None
    # A list without rows promises nothing and lacks nothing.
    there = {str(name) for (name,) in found} or set(table.columns)
    names = [*(name for name in table.columns if name in there), *sorted(there - set(table.columns))]
    rows = json_rows.rows(source, path, names, size)
    return Sheet(f"(SELECT row_number() OVER () AS _row, * FROM {rows})", names)


def read_xml(
    connection: duckdb.DuckDBPyConnection, file: Path, table: Table, folder: Path, where: str
) -> Sheet:
    """An XML document in which one kind of element is a row; its attributes and what stands in it are the columns.

    An element inside an element has both their names, joined by a dot; what is there several times is a JSON list.
    `_row` counts rows. Names are local: without their namespace.

    Raises:
        WangtingError: not well formed, or without that element.
    """
    if table.element is None:
        raise WangtingError(
            "没有声明 element（XML 的一行是哪个元素）", place=where, mend="在 source.yml 中写明"
        )
    source = as_utf8(file, _encoding(table), folder / "utf8", where)
    lines = folder / "rows"
    names: dict[str, None] = {}
    longest = 0
    try:
        with lines.open("w", encoding="utf-8") as out:
            for row in xml_rows.rows(source, table.element):
                names.update(dict.fromkeys(row))
                text = json.dumps(row, ensure_ascii=False)
                longest = max(longest, len(text.encode()))
                out.write(text + "\n")
    except xml_rows.NotWellFormedError as error:
        raise WangtingError(
            f"不是有效的 XML（第 {error.line} 行）", place=where, mend="请来源重新导出后放入"
        ) from None
    # An element is often written only where it is filled, so its absence is no lost column; a key is always filled.
    optional = [name for name in table.columns if not names or name not in table.key]
    names.update(dict.fromkeys(optional))
    rows = json_rows.rows(lines, "", list(names), longest)
    return Sheet(f"(SELECT row_number() OVER () AS _row, * FROM {rows})", list(names))


def refuse_twins(names: Iterable[str], where: str) -> None:
    """A header with two columns of one name is no header.

    Raises:
        WangtingError: the names that are there twice.
    """
    twins = [name for name, times in Counter(names).items() if times > 1]
    if twins:
        raise WangtingError(
            f"表头的列名重复：{'、'.join(twins)}", place=where, mend="请填报人改正表头后重新放入"
        )


def _header(lines: Iterator[list[str]], row: int) -> list[str]:
    return next((line for number, line in enumerate(lines, 1) if number == row), [])


def _encoding(table: Table) -> str:
    # Documents say their encoding themselves, often wrongly; the bytes do not lie.
    return "auto" if table.encoding == "utf-8" else table.encoding
