"""A workbook as relations of text: merged cells filled down, dates as they are read, `_row` as the sheet counts."""

import re
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import duckdb

from ingestion.columns import quoted
from ingestion.sheets import Sheet, refuse_twins
from wangting import disk, engine
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.source_spec import Table

ALL = "*"
_SPARE = 10  # columns looked at to the right of the promised ones, to notice new ones
_ROW = re.compile(rb'<(?:\w+:)?row\b(?:[^>]*?\br="(\d+)")?')
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)>")
_PLACE = re.compile(rb'\br="([A-Z]+)(\d+)"')
_STYLE = re.compile(rb'\bs="(\d+)"')
_TEXT = re.compile(rb'\bt="(?!n")')
_NOTE = re.compile(r"\s|[（(].*?[）)]|[*＊:：]$")
_DATES = {
    *range(14, 23),
    *range(27, 37),
    *range(45, 48),
    *range(50, 59),
}  # the built-in formats that are dates
_NO_DATE = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')


@dataclass
class _Part:
    """A sheet of the book.

    Attributes:
        last: its last row; what it states of its size itself is often wrong.
        merged: (column, first row, last row) of cells merged downwards. dated: (column, row) of numbers shown as dates.
    """

    name: str
    last: int
    merged: list[tuple[str, int, int]] = field(default_factory=list)
    dated: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class _Book:
    parts: list[_Part]
    epoch: date


def read_workbook(
    connection: duckdb.DuckDBPyConnection, file: Path, table: Table, folder: Path, where: str
) -> Sheet:
    """The declared sheet of an .xlsx file, its first, or all; the header may span several rows with merged cells.

    Raises:
        WangtingError: not a workbook, damaged, without the sheet, without data, or with an ambiguous header.
    """
    engine.load_extension(connection, "excel")
    book = _open(file, where)
    if table.sheet == ALL:
        return _all(connection, file, table, book, where)
    chosen = book.parts[:1] if table.sheet is None else [p for p in book.parts if p.name == table.sheet]
    if not chosen:
        raise WangtingError(f"没有工作表「{table.sheet}」", place=where, mend="请填报人恢复工作表名称")
    if chosen[0].last < table.header_row:
        raise WangtingError(
            f"表中没有内容（表头应在第 {table.header_row} 行）",
            place=where,
            mend="请填报人按模板填写后重新放入",
        )
    return _sheet(connection, file, table, book, chosen[0], "workbook", where)


def _all(connection: duckdb.DuckDBPyConnection, file: Path, table: Table, book: _Book, where: str) -> Sheet:
    """Every sheet that has the key's columns; the others are named, but for empty ones."""
    found: list[tuple[str, Sheet]] = []
    passed: list[str] = []
    for number, part in enumerate(book.parts):
        if part.last < table.header_row:
            if part.last:
                passed.append(part.name)
            continue
        one = _sheet(connection, file, table, book, part, f"workbook_{number}", f"{where}「{part.name}」")
        if not {*table.key} & {*one.columns}:
            passed.append(part.name)
            continue
        missing = [name for name in table.columns if name not in one.columns]
        if missing:
            raise WangtingError(
                f"工作表「{part.name}」的表头缺少列 {'、'.join(missing)}",
                place=where,
                mend="请填报人按模板恢复表头后重新放入",
            )
        found.append((part.name, one))
    if not found:
        raise WangtingError("没有一张工作表有约定的表头", place=where, mend="请填报人按模板填写后重新放入")
    warnings = [warning for _, one in found for warning in one.warnings]
    if passed:
        warnings.append(f"{where} 的工作表 {'、'.join(passed)} 没有约定的表头，未取")
    rows = " UNION ALL BY NAME ".join(
        f"SELECT *, {literal(name)} AS _sheet FROM {one.relation}" for name, one in found
    )
    columns = dict.fromkeys(name for _, one in found for name in one.columns)
    return Sheet(f"({rows})", list(columns), warnings)


def _sheet(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    table: Table,
    book: _Book,
    part: _Part,
    target: str,
    where: str,
) -> Sheet:
    width = len(table.columns) + _SPARE
    try:
        # Everything is text, and blank rows are kept so that the row numbers stay the sheet's own.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {target} AS SELECT row_number() OVER () AS _row, * FROM read_xlsx("
            f"{literal(file)}, header = false, all_varchar = true, stop_at_empty = false, "
            f"range = 'A1:{_letters(width)}{part.last}', sheet = {literal(part.name)})"
        )
    except duckdb.Error as error:
        if disk.is_full(error):
            raise
        raise WangtingError(
            "电子表格已损坏，无法读取", place=where, mend="请填报人重新另存为 .xlsx 后放入"
        ) from None
    cells = [str(row[0]) for row in connection.execute(f"DESCRIBE {target}").fetchall()][1:]
    places = {_letters(number): cell for number, cell in enumerate(cells, 1)}
    top = table.header_row - table.header_levels + 1
    header = connection.execute(
        f"SELECT {', '.join(map(quoted, cells))} FROM {target} "
        f"WHERE _row BETWEEN {top} AND {table.header_row} ORDER BY _row"
    ).fetchall()
    # Of merged cells only the first has the text: a column's name is the lowest that is written.
    labels = [
        next((label for row in reversed(header) if (label := _NOTE.sub("", str(row[position] or "")))), "")
        for position in range(len(cells))
    ]
    named = {label: cell for label, cell in zip(labels, cells, strict=True) if label}
    refuse_twins([label for label in labels if label], where)
    _show_dates(connection, target, part, places, book.epoch)
    _fill_down(connection, target, part, places, table.first_row)
    moved = [
        name for position, name in enumerate(table.columns) if name in named and labels[position] != name
    ]
    warnings = [f"{where} 的列 {'、'.join(moved)} 不在模板的位置上，已按列名对应"] if moved else []
    chosen = ", ".join(f"{quoted(cell)} AS {quoted(label)}" for label, cell in named.items())
    return Sheet(f"(SELECT _row{', ' if chosen else ''}{chosen} FROM {target})", list(named), warnings)


def _show_dates(
    connection: duckdb.DuckDBPyConnection, target: str, part: _Part, places: dict[str, str], epoch: date
) -> None:
    """A date is kept as a number of days; it becomes a text as people write it beside: 2017-11-30 15:02:00."""
    for column, rows in _by_column(part.dated).items():
        if column not in places:
            continue
        cell = quoted(places[column])
        days = f"TRY_CAST({cell} AS DOUBLE)"
        moment = f"(TIMESTAMP {literal(epoch)} + to_seconds(CAST(round({days} * 86400) AS BIGINT)))"
        text = (
            f"CASE WHEN {days} < 1 THEN strftime({moment}, '%H:%M:%S') "
            f"WHEN {days} = floor({days}) THEN strftime({moment}, '%Y-%m-%d') "
            f"ELSE strftime({moment}, '%Y-%m-%d %H:%M:%S') END"
        )
        listed = engine.given({"line": "BIGINT"}, [(row,) for row in rows])
        connection.execute(
            f"UPDATE {target} SET {cell} = {text} "
            f"WHERE {days} IS NOT NULL AND _row IN (SELECT line FROM {listed})"
        )


def _fill_down(
    connection: duckdb.DuckDBPyConnection, target: str, part: _Part, places: dict[str, str], first: int
) -> None:
    """Of cells merged over several rows all have the value that only the first one holds."""
    by_column: dict[str, list[tuple[int, int]]] = {}
    for column, top, bottom in part.merged:
        if top >= first and column in places:
            by_column.setdefault(column, []).append((top, bottom))
    for column, ranges in by_column.items():
        cell = quoted(places[column])
        listed = engine.given({"top": "BIGINT", "bottom": "BIGINT"}, ranges)
        connection.execute(
            f"UPDATE {target} SET {cell} = merged.value FROM (SELECT top, bottom, whole.{cell} AS value "
            f"FROM {listed} AS ranges JOIN {target} AS whole ON whole._row = ranges.top) AS merged "
            f"WHERE {target}._row > merged.top AND {target}._row <= merged.bottom"
        )


def _open(file: Path, where: str) -> _Book:
    """The sheets' names and what DuckDB's reader leaves aside."""
    try:
        with zipfile.ZipFile(file) as parts:
            book = ElementTree.fromstring(parts.read("xl/workbook.xml"))
            links = ElementTree.fromstring(parts.read("xl/_rels/workbook.xml.rels"))
            targets = {str(link.get("Id")): str(link.get("Target")) for link in links}
            styles = _date_styles(parts)
            found = []
            for sheet in book.iter():
                if _local(sheet.tag) != "sheet":
                    continue
                ids = [value for name, value in sheet.attrib.items() if _local(name) == "id"]
                path = _path(targets.get(ids[0] if ids else "", ""))
                if path in parts.namelist() and path.startswith("xl/worksheets/"):
                    found.append(_part(str(sheet.get("name")), parts.read(path), styles))
            is_1904 = any(
                _local(one.tag) == "workbookPr" and one.get("date1904") in ("1", "true")
                for one in book.iter()
            )
        if not found:
            raise KeyError("worksheet")
        return _Book(found, date(1904, 1, 1) if is_1904 else date(1899, 12, 30))
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        KeyError,
        ElementTree.ParseError,
    ) as error:
        if isinstance(error, OSError) and disk.is_full(error):
            raise
        empty = file.stat().st_size == 0
        raise WangtingError(
            "文件是空的" if empty else "不是有效的 .xlsx 文件",
            place=where,
            mend="请填报人重新另存为 .xlsx 后放入",
        ) from None


def _part(name: str, content: bytes, styles: set[bytes]) -> _Part:
    rows = _ROW.findall(content)
    part = _Part(name, max(len(rows), *(int(row) for row in rows if row), 0) if rows else 0)
    for left, top, right, bottom in _MERGED.findall(content):
        # A block over several columns is a title or a note, and belongs to no column.
        if left == right and top != bottom:
            part.merged.append((left.decode(), int(top), int(bottom)))
    if styles:
        for cell in _CELL.findall(content):
            style, place = _STYLE.search(cell), _PLACE.search(cell)
            if style and place and style[1] in styles and not _TEXT.search(cell):
                part.dated.append((place[1].decode(), int(place[2])))
    return part


def _date_styles(parts: zipfile.ZipFile) -> set[bytes]:
    """The numbers of the cell styles that show a number as a date."""
    if "xl/styles.xml" not in parts.namelist():
        return set()
    styles = ElementTree.fromstring(parts.read("xl/styles.xml"))
    own = {
        int(one.get("numFmtId", "0")): _NO_DATE.sub("", one.get("formatCode", ""))
        for one in styles.iter()
        if _local(one.tag) == "numFmt"
    }
    dates = _DATES | {
        number for number, code in own.items() if re.search(r"[ymdhs年月日]", code, re.IGNORECASE)
    }
    dates -= {number for number, code in own.items() if re.search(r"[0#?]", code.replace(".0", ""))}
    listed = next((one for one in styles.iter() if _local(one.tag) == "cellXfs"), None)
    return {
        str(number).encode()
        for number, one in enumerate(listed if listed is not None else [])
        if int(one.get("numFmtId", "0")) in dates
    }


def _by_column(cells: list[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for column, row in cells:
        found.setdefault(column, []).append(row)
    return found


def _path(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _letters(number: int) -> str:
    """The name of a spreadsheet's column: 1 is A, 27 is AA."""
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name
