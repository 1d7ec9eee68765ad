"""One dropped workbook or CSV file as a relation: named text columns, and `_row`, the line as the person sees it."""

import csv
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ingestion.columns import quoted
from wangting import disk, engine, settings
from wangting.engine import literal
from wangting.errors import WangtingError
from wangting.source_spec import Table

_SPARE = 10  # columns looked at to the right of the promised ones, to notice new ones
_ROW = re.compile(rb'<(?:\w+:)?row\b(?:[^>]*?\br="(\d+)")?')
_NOTE = re.compile(r"\s|[（(].*?[）)]|[*＊:：]$")
_UTF8 = {"utf-8", "utf8"}


@dataclass
class Sheet:
    """A file that can be read.

    Attributes:
        relation: SQL of its lines, blank ones left out; the columns below and `_row`.
        columns: the header's names, in its order.
    """

    relation: str
    columns: list[str]
    warnings: list[str] = field(default_factory=list)


@contextmanager
def read_workbook(
    connection: duckdb.DuckDBPyConnection, file: Path, table: Table, where: str
) -> Iterator[Sheet]:
    """A sheet of an .xlsx file; the header may span several rows with merged cells.

    Raises:
        WangtingError: not a workbook, damaged, without the sheet, without data, or with an ambiguous header.
    """
    engine.load_extension(connection, "excel")
    last = _last_row(file, where)
    if last < table.header_row:
        raise WangtingError(
            f"表中没有内容（表头应在第 {table.header_row} 行）",
            place=where,
            mend="请填报人按模板填写后重新放入",
        )
    width = len(table.columns) + _SPARE
    sheet = "" if table.sheet is None else f", sheet = {literal(table.sheet)}"
    try:
        # Everything is text, and blank rows are kept so that the row numbers stay the sheet's own.
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE workbook AS SELECT row_number() OVER () AS _row, * FROM read_xlsx("
            f"{literal(file)}, header = false, all_varchar = true, stop_at_empty = false, "
            f"range = 'A1:{_letters(width)}{last}'{sheet})"
        )
    except duckdb.Error as error:
        if disk.is_full(error):
            raise
        if "not found in xlsx file" in str(error):
            raise WangtingError(
                f"没有工作表「{table.sheet}」", place=where, mend="请填报人恢复工作表名称"
            ) from None
        raise WangtingError(
            "电子表格已损坏，无法读取", place=where, mend="请填报人重新另存为 .xlsx 后放入"
        ) from None
    cells = [str(row[0]) for row in connection.execute("DESCRIBE workbook").fetchall()][1:]
    top = table.header_row - table.header_levels + 1
    header = connection.execute(
        f"SELECT {', '.join(map(quoted, cells))} FROM workbook "
        f"WHERE _row BETWEEN {top} AND {table.header_row} ORDER BY _row"
    ).fetchall()
    # Of merged cells only the first has the text: a column's name is the lowest that is written.
    labels = [
        next((label for row in reversed(header) if (label := _NOTE.sub("", str(row[position] or "")))), "")
        for position in range(len(cells))
    ]
    named = {label: cell for label, cell in zip(labels, cells, strict=True) if label}
    _refuse_twins([label for label in labels if label], where)
    moved = [
        name for position, name in enumerate(table.columns) if name in named and labels[position] != name
    ]
    warnings = [f"{where} 的列 {'、'.join(moved)} 不在模板的位置上，已按列名对应"] if moved else []
    chosen = ", ".join(f"{quoted(cell)} AS {quoted(label)}" for label, cell in named.items())
    written = " OR ".join(f"trim({quoted(cell)}) <> ''" for cell in named.values())
    yield Sheet(
        f"(SELECT _row, {chosen} FROM workbook WHERE _row >= {table.first_row} AND ({written or 'false'}))",
        list(named),
        warnings,
    )


@contextmanager
def read_csv(connection: duckdb.DuckDBPyConnection, file: Path, table: Table, where: str) -> Iterator[Sheet]:
    """A CSV file in any encoding that Python knows; `_row` counts records, not the line breaks inside them.

    Raises:
        WangtingError: empty, not in the declared encoding, or with an ambiguous header.
    """
    with tempfile.TemporaryDirectory(prefix="wangting-", dir=_spill()) as folder:
        try:
            source = (
                file
                if table.encoding.lower() in _UTF8
                else _as_utf8(file, table.encoding, Path(folder) / "utf8")
            )
            with source.open(encoding="utf-8-sig", newline="") as text:
                lines = csv.reader(text, delimiter=table.delimiter)
                header = [name.strip() for name in _header(lines, table.header_row)]
        except UnicodeDecodeError as error:
            raise WangtingError(
                f"文件不是 {table.encoding} 编码（第 {error.start} 字节）",
                place=where,
                mend="请来源按约定的编码导出，或改正 source.yml 中的 encoding",
            ) from None
        if not any(header):
            raise WangtingError("文件是空的", place=where, mend="请来源重新导出后放入")
        _refuse_twins(header, where)
        types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
        raw = (
            f"read_csv({literal(source)}, columns = {{{types}}}, header = false, skip = {table.header_row}, "
            f"delim = {literal(table.delimiter)}, quote = '\"', escape = '\"', auto_detect = false, "
            # One reader keeps the order in which the lines stand.
            "parallel = false, strict_mode = true, max_line_size = 16777216)"
        )
        written = " OR ".join(f"trim({quoted(name)}) <> ''" for name in header)
        yield Sheet(
            f"(SELECT * FROM (SELECT row_number() OVER () + {table.header_row} AS _row, * FROM {raw}) "
            f"WHERE _row >= {table.first_row} AND ({written}))",
            header,
        )


def _header(lines: Iterator[list[str]], row: int) -> list[str]:
    return next((line for number, line in enumerate(lines, 1) if number == row), [])


def _as_utf8(file: Path, encoding: str, target: Path) -> Path:
    """The file's text again in UTF-8, in bounded memory: DuckDB reads no GBK. GB 18030 contains GBK and GB 2312."""
    wide = "gb18030" if encoding.lower() in ("gbk", "gb2312") else encoding
    with file.open(encoding=wide, newline="") as text, target.open("w", encoding="utf-8", newline="") as out:
        while piece := text.read(1 << 20):
            out.write(piece)
    return target


def _last_row(file: Path, where: str) -> int:
    """The last row of any sheet; the size that a workbook states of itself is often wrong."""
    try:
        with zipfile.ZipFile(file) as parts:
            last = 0
            for name in parts.namelist():
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    rows = _ROW.findall(parts.read(name))
                    last = max(last, len(rows), *(int(row) for row in rows if row)) if rows else last
            return last
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno == 28:
            raise
        empty = file.stat().st_size == 0
        raise WangtingError(
            "文件是空的" if empty else "不是有效的 .xlsx 文件",
            place=where,
            mend="请填报人重新另存为 .xlsx 后放入",
        ) from None


def _refuse_twins(names: list[str], where: str) -> None:
    twins = [name for name, times in Counter(names).items() if times > 1]
    if twins:
        raise WangtingError(
            f"表头的列名重复：{'、'.join(twins)}", place=where, mend="请填报人改正表头后重新放入"
        )


def _letters(number: int) -> str:
    """The name of a spreadsheet's column: 1 is A, 27 is AA."""
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def _spill() -> Path:
    folder = settings.home() / "spill"
    folder.mkdir(exist_ok=True)
    return folder
