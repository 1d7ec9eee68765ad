"""What lies in a folder of dropped files? Files of one shape are a table: its encoding, header, sheets, members."""

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from ingestion.connecting import place
from ingestion.found import Found, look_at
from ingestion.guessing import SAMPLED, Column
from ingestion.naming import plain_name
from wangting import settings
from wangting.errors import WangtingError
from wangting.source_spec import Source

_NUMBERS = re.compile(r"\d+")
_DATED = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
_MANIFEST = re.compile(r"manifest|清单|list|count|校验", re.IGNORECASE)
_LARGEST = 64 << 20  # bytes of a file that are looked at
_TOP = 20  # rows among which a header is looked for
Rows = list[list[str | None]]


def find(source: Source, wanted: Iterable[str] = ()) -> list[Found]:
    """A table for every group of files that are called alike.

    Args:
        source: its url is the folder.
        wanted: patterns; none: all files.

    Raises:
        WangtingError: no folder, no files, or none that can be read.
    """
    where = place(source)
    folder = Path(settings.resolve(source.url, place=where))
    if not folder.is_dir():
        raise WangtingError(
            "文件夹不存在或无法访问", place=f"{where} {folder}", mend="检查共享目录是否已挂载、路径是否正确"
        )
    groups: dict[str, list[Path]] = {}
    patterns = list(wanted) or ["**/*"]
    for file in sorted({found for pattern in patterns for found in folder.glob(pattern)}):
        if file.is_file() and not file.name.startswith((".", "~$")) and file.suffix.lower() in _READERS:
            alike = _NUMBERS.sub("*", file.relative_to(folder).name)
            groups.setdefault(re.sub(r"\*+([-_.]?\*+)*", "*", alike), []).append(file)
    if not groups:
        kinds = "、".join(sorted(_READERS))
        raise WangtingError(
            "没有可读的文件", place=f"{where} {folder}", mend=f"放入样例文件（{kinds}）后再试"
        )
    tables: list[Found] = []
    for pattern, files in groups.items():
        newest = max(files, key=lambda each: (each.stat().st_mtime_ns, each.name))
        deep = "**/" if any(each.parent != folder for each in files) else ""
        content = newest.read_bytes()[:_LARGEST]
        for found in _READERS[newest.suffix.lower()](content, newest.name, f"{where} {newest.name}"):
            found.options = {"pattern": f"{deep}{pattern}", **found.options}
            if _DATED.search(newest.name):
                found.options["file_date"] = r"(\d{4})-?(\d{2})-?(\d{2})"
            found.notes.insert(0, f"共 {len(files)} 个文件，看的是最新的 {newest.name}")
            _name(found, pattern, {each.name for each in tables})
            tables.append(found)
    return tables


def _name(found: Found, pattern: str, used: set[str]) -> None:
    stem = plain_name(found.name or PurePosixPath(pattern).stem) or "files"
    name, number = stem, 2
    while name in used:
        name, number = f"{stem}_{number}", number + 1
    found.title = found.title or found.name or PurePosixPath(pattern).stem.replace("*", "").strip("-_ ")
    found.name = name


def _table(header: list[str], rows: Rows, **about: Any) -> Found:
    named = [(place_in_row, name) for place_in_row, name in enumerate(header) if name]
    columns = [Column(name, "string") for _, name in named]
    body = [[row[n] if n < len(row) else None for n, _ in named] for row in rows[:SAMPLED]]
    found = look_at(Found("", "", columns, options=about), body)
    for column in columns:  # dropped files are typed by hand: a wrong date must not stop the file
        if column.kind in ("timestamp", "date"):
            column.kind = "string"
    found.cursors = []  # files are taken by content
    return found


# ---- texts -----------------------------------------------------------------------------------------------------------


def decoded(content: bytes) -> tuple[str, str]:
    """(text, encoding) of bytes in UTF-8, UTF-16 or GB 18030.

    Raises:
        UnicodeDecodeError: none of them.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16"), "utf-16"
    for encoding in ("utf-8-sig", "gb18030"):
        for cut in range(4):  # the bytes looked at may end inside a sign
            try:
                text = content[: len(content) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return text, "utf-8" if encoding == "utf-8-sig" else "gb18030"
    raise UnicodeDecodeError("gb18030", content[:20], 0, 1, "neither UTF-8, UTF-16 nor GB 18030")


def _csv(content: bytes, name: str, where: str) -> list[Found]:
    try:
        text, encoding = decoded(content)
    except UnicodeDecodeError:
        raise WangtingError(
            "不是 UTF-8、UTF-16 或 GB 18030 编码的文本", place=where, mend="请来源另存为 UTF-8"
        ) from None
    first = "\n".join(text.splitlines()[:_TOP])
    delimiter = max(",\t;|", key=lambda sign: (first.count(sign), sign == ","))
    rows: Rows = [
        list(row)
        for row, _ in zip(csv.reader(io.StringIO(text), delimiter=delimiter), range(SAMPLED), strict=False)
    ]
    header, options = _header(rows)
    if delimiter != ",":
        options["delimiter"] = delimiter
    if encoding != "utf-8":
        options["encoding"] = encoding
    if header is None:
        raise WangtingError("找不到表头", place=where, mend="请来源在第一行写明列名")
    found = _table(_labels(rows, options), rows[options.get("first_row", 2) - 1 :], **options)
    if encoding != "utf-8":
        found.notes.append(f"文件编码为 {encoding}")
    return [found]


def _header(rows: Rows) -> tuple[int | None, dict[str, Any]]:
    """(row of the header from 0, what the declaration says of it): the first row that is as wide as the rows below."""
    widths = [sum(1 for cell in row if cell and cell.strip()) for row in rows[: _TOP * 3]]
    if not widths or not max(widths):
        return None, {}
    usual = max(widths)
    for number, row in enumerate(rows[:_TOP]):
        names = [cell.strip() for cell in row if cell and cell.strip()]
        is_wide = len(names) >= max(1, usual * 0.8) and len(names) == len(set(names))
        if is_wide and not any(re.fullmatch(r"[\d.:/\s-]+", name) for name in names):
            # A merged header: the row above names groups, fewer than there are columns, and is no title of one cell.
            above = widths[number - 1] if number else 0
            levels = 2 if 1 < above < len(names) and (number < 2 or widths[number - 2] <= 1) else 1
            options: dict[str, Any] = {}
            if number:
                options = {"header_row": number + 1, "first_row": number + 2}
                if levels > 1:
                    options |= {"header_levels": levels}
            return number, options
    return None, {}


def _labels(rows: Rows, options: dict[str, Any]) -> list[str]:
    low = options.get("header_row", 1) - 1
    top = low - options.get("header_levels", 1) + 1
    width = max(len(row) for row in rows[top : low + 1])
    return [
        next(
            (
                str(row[n]).strip()
                for row in reversed(rows[top : low + 1])
                if n < len(row) and row[n] and str(row[n]).strip()
            ),
            "",
        )
        for n in range(width)
    ]


def _workbook(content: bytes, name: str, where: str) -> list[Found]:
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except Exception:  # openpyxl raises whatever its parsers raise
        raise WangtingError("不是有效的 .xlsx 文件", place=where, mend="另存为 .xlsx 后放入") from None
    shapes: dict[tuple[str, ...], list[tuple[str, Rows, dict[str, Any]]]] = {}
    for sheet in book.worksheets:
        rows: Rows = [
            [None if cell is None else str(cell) for cell in row]
            for row, _ in zip(sheet.iter_rows(values_only=True), range(SAMPLED), strict=False)
        ]
        header, options = _header(rows)
        if header is not None:
            shapes.setdefault(tuple(filter(None, _labels(rows, options))), []).append(
                (sheet.title, rows, options)
            )
    found: list[Found] = []
    for sheets in shapes.values():
        title, rows, options = sheets[0]
        if len(sheets) > 1:
            options["sheet"] = "*"
        elif len(shapes) > 1:
            options["sheet"] = title
        body = [row for _, each, about in sheets for row in each[about.get("first_row", 2) - 1 :] if any(row)]
        table = _table(_labels(rows, options), body, **options)
        if len(shapes) > 1:
            table.name = title
        if len(sheets) > 1:
            table.notes.append(f"同样格式的工作表 {len(sheets)} 个，合为一表")
        found.append(table)
    if not found:
        raise WangtingError("工作簿中找不到表头", place=where, mend="请填报人按模板填写")
    return found


# ---- nested ----------------------------------------------------------------------------------------------------------


def records_in(content: Any, at: tuple[str, ...] = ()) -> tuple[str, list[dict[str, Any]]] | None:
    """(where the rows stand, names joined by dots; the rows) of the longest list of objects in a JSON document."""
    if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        return ".".join(at), content
    if isinstance(content, dict):
        inside = [found for name, value in content.items() if (found := records_in(value, (*at, str(name))))]
        return max(inside, key=lambda each: len(each[1]), default=None)
    return None


def of_objects(rows: list[dict[str, Any]], **about: Any) -> Found:
    """A table of JSON objects; what is nested in them is left out and told of."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    nested = [name for name in names if any(isinstance(row.get(name), dict | list) for row in rows)]
    plain = [name for name in names if name not in nested]
    body: Rows = [
        [None if row.get(name) is None else _said(row[name]) for name in plain] for row in rows[:SAMPLED]
    ]
    found = look_at(Found("", "", [Column(name, "string") for name in plain], options=about), body)
    if nested:
        found.notes.append(f"列 {'、'.join(nested)} 是对象或列表，不能直接落地；请来源拆成另一张表")
    return found


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(content: bytes, name: str, where: str) -> list[Found]:
    try:
        text, _ = decoded(content)
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            document = json.loads(text)
        except ValueError:  # one object a line
            document = [json.loads(line) for line in lines]
    except ValueError:
        raise WangtingError("不是有效的 JSON", place=where, mend="请来源检查导出程序") from None
    listed = records_in(document)
    if listed is None:
        raise WangtingError("JSON 中没有成列的记录", place=where, mend="请来源按「记录的列表」导出")
    found = of_objects(listed[1], **({"element": listed[0]} if listed[0] else {}))
    found.cursors = []
    return [found]


def _xml(content: bytes, name: str, where: str) -> list[Found]:
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        raise WangtingError("不是有效的 XML", place=where, mend="请来源检查导出程序") from None
    flat = Counter(
        _tag(each.tag)
        for each in root.iter()
        if (len(each) or each.attrib) and each is not root and not any(len(child) for child in each)
    )
    if not flat:
        raise WangtingError("XML 中没有成列的记录", place=where, mend="请来源按「一个元素一条记录」导出")
    element = flat.most_common(1)[0][0]
    rows = [
        {**each.attrib, **{_tag(child.tag): child.text for child in each}}
        for each in root.iter()
        if _tag(each.tag) == element
    ]
    found = of_objects(rows, element=element)
    found.cursors = []
    return [found]


def _tag(name: str) -> str:
    return name.rpartition("}")[2]


def _archive(content: bytes, name: str, where: str) -> list[Found]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        raise WangtingError("不是有效的 ZIP 文件", place=where, mend="请来源重新导出") from None
    members = [each for each in archive.namelist() if not each.endswith("/")]
    manifest = [each for each in members if _MANIFEST.search(PurePosixPath(each).stem)]
    found: list[Found] = []
    seen: set[str] = set()
    for member in members:
        reader = _READERS.get(PurePosixPath(member).suffix.lower())
        alike = re.sub(r"\*+([-_.]?\*+)*", "*", _NUMBERS.sub("*", member))
        if reader is None or reader is _archive or member in manifest or alike in seen:
            continue
        seen.add(alike)
        for table in reader(archive.read(member), member, f"{where} {member}"):
            table.options = {"members": alike, **table.options}
            if manifest:
                table.options["manifest"] = {
                    "file": re.sub(r"\*+([-_.]?\*+)*", "*", _NUMBERS.sub("*", manifest[0]))
                }
                table.notes.append("压缩包中有清单：请核对 manifest 的列名（file、rows、sha256）")
            table.name = table.name or PurePosixPath(alike).stem.replace("*", "").strip("-_.")
            found.append(table)
    if not found:
        raise WangtingError("压缩包中没有可读的文件", place=where, mend="请来源检查导出程序")
    return found


_READERS: dict[str, Callable[[bytes, str, str], list[Found]]] = {
    ".csv": _csv,
    ".txt": _csv,
    ".xlsx": _workbook,
    ".xlsm": _workbook,
    ".json": _json,
    ".xml": _xml,
    ".zip": _archive,
}
