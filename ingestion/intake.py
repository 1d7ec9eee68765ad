"""What was dropped or fetched, document by document, as text in Parquet: whole documents only, in bounded memory.

DuckDB reads each document once and writes it below the home's spill folder; what lands is read from there, so that one
document that is unreadable in its last line keeps none of the others back, and nothing has to fit into memory.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath

import duckdb

from ingestion.archives import Expected, is_archive, members, unpacked
from ingestion.columns import cast, compare, quoted
from ingestion.connecting import Extract, TakenFile, place
from ingestion.sheets import Sheet, read_csv, read_json, read_xml
from ingestion.windows import Load
from ingestion.workbooks import ALL, read_workbook
from wangting import disk, settings
from wangting.engine import file_list, literal
from wangting.errors import WangtingError
from wangting.site import current_site
from wangting.source_spec import Table

LINEAGE = ("_file", "_file_row", "_file_date")
_SHOWN = 3  # lines named in an error
_READERS: dict[str, Callable[[duckdb.DuckDBPyConnection, Path, Table, Path, str], Sheet]] = {
    ".xlsx": read_workbook,
    ".xlsm": read_workbook,
    ".json": read_json,
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".xml": read_xml,
}  # everything else is CSV


@dataclass(frozen=True)
class _Document:
    """One document as Parquet."""

    staged: Path
    columns: list[str]
    rows: int
    warnings: list[str]


@dataclass
class Intake:
    """The documents of one load.

    Attributes:
        taken: files whose every document was read. errors: a sentence for each of the others.
    """

    connection: duckdb.DuckDBPyConnection
    load: Load
    taken: list[TakenFile] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _documents: list[_Document] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self._folder = _folder(self.load)
        shutil.rmtree(self._folder, ignore_errors=True)  # of a run that was killed
        self._folder.mkdir(parents=True)

    def take(
        self, copy: Path, name: str, digest: str, expected: Expected | None = None, confirmed: str = ""
    ) -> None:
        """Read one file; all of its documents or, with an error, none.

        Args:
            copy: the file. name: below the source's folder. digest: SHA-256 of its bytes.
            expected: what the list beside the files says of it.
            confirmed: where that list would have stood; empty: none is promised.

        Raises:
            WangtingError: it cannot be read, or is not what a list says.
        """
        where = place(self.load.source, self.load.name, name)
        if is_archive(copy):
            documents = self._archive(copy, name, where)
        else:
            documents = [self._document(copy, name, where, [name])]
        if expected is not None:
            expected.check(sum(one.rows for one in documents), digest, where)
        elif confirmed and not (self.load.table.members and is_archive(copy)):
            raise WangtingError(f"清单 {confirmed} 中没有该文件", place=where, mend="请来源补发清单后再试")
        self._documents += documents
        self.taken.append(TakenFile(name, digest))

    def extract(self) -> Extract:
        """Everything that was taken, all values as text."""
        names = dict.fromkeys(self.load.table.columns)
        for one in self._documents:
            names.update(dict.fromkeys(one.columns))
        columns = dict.fromkeys(names, "VARCHAR")
        lineage = [*LINEAGE, *(["_sheet"] if self.load.table.sheet == ALL else [])]
        empty = ", ".join(
            [f"NULL::VARCHAR AS {quoted(name)}" for name in columns]
            + ["NULL::VARCHAR AS _file", "NULL::BIGINT AS _file_row", "NULL::DATE AS _file_date"]
            + ["NULL::VARCHAR AS _sheet" for name in lineage if name == "_sheet"]
        )
        relation = f"SELECT {empty} WHERE false"
        if self._documents:
            staged = file_list([one.staged for one in self._documents])
            relation += f" UNION ALL BY NAME SELECT * FROM read_parquet({staged}, union_by_name = true)"
        warnings = [warning for one in self._documents for warning in one.warnings]
        return Extract(f"({relation})", columns, lineage, self.taken, self.errors, warnings)

    def _archive(self, copy: Path, name: str, where: str) -> list[_Document]:
        table, found = self.load.table, []
        for member, expected in members(copy, table, where):
            inside = f"{name}/{member.filename}"
            about = place(self.load.source, self.load.name, inside)
            with unpacked(copy, member, self._folder, about) as (file, digest):
                one = self._document(file, inside, about, [member.filename, name])
                if expected is not None:
                    expected.check(one.rows, digest, about)
            found.append(one)
        return found

    def _document(self, file: Path, name: str, where: str, dated: list[str]) -> _Document:
        table = self.load.table
        file_date = _date(dated, table.file_date, where)
        self._number += 1
        staged = self._folder / f"{self._number:06d}.parquet"
        anew = self._folder / "anew"
        anew.mkdir()
        try:
            reader = _READERS.get(PurePosixPath(name).suffix.lower(), read_csv)
            sheet = reader(self.connection, file, table, anew, where)
            missing, _ = compare(table.columns, sheet.columns)
            if missing:
                raise WangtingError(
                    f"表头缺少列 {'、'.join(missing)}", place=where, mend="请填报人按模板恢复表头后重新放入"
                )
            rows = self._stage(sheet, name, file_date, staged, where)
        finally:
            shutil.rmtree(anew)
        self._refuse_wrong_types(staged, where)
        return _Document(staged, sheet.columns, rows, [*sheet.warnings, *self._rounded(staged, name, where)])

    def _stage(self, sheet: Sheet, name: str, file_date: date | None, staged: Path, where: str) -> int:
        """Write the rows that are rows: not above the first, not blank, no note."""
        table = self.load.table
        filled = [f"nullif(trim({quoted(column)}), '')" for column in sheet.columns]
        first = f"coalesce({', '.join([*filled, 'NULL'])})"
        is_row = f"_row >= {_first_row(table, name)} AND {first} IS NOT NULL"
        if table.notes is not None:
            is_row += f" AND NOT regexp_matches({first}, {literal(table.notes)})"
        dated = "NULL" if file_date is None else literal(file_date)
        try:
            found = self.connection.execute(
                f"COPY (SELECT * EXCLUDE (_row), {literal(name)} AS _file, CAST(_row AS BIGINT) AS _file_row, "
                f"CAST({dated} AS DATE) AS _file_date FROM {sheet.relation} WHERE {is_row}) "
                f"TO {literal(staged)} (FORMAT parquet, COMPRESSION lz4_raw)"
            ).fetchone()
        except duckdb.Error as error:
            if disk.is_full(error):
                raise
            raise WangtingError(
                f"文件读不下去（{_short(error, staged)}）", place=where, mend="请重新导出后放入"
            ) from None
        return int(found[0]) if found else 0

    def _refuse_wrong_types(self, staged: Path, where: str) -> None:
        zone = current_site().zone
        wrong = {
            column: is_wrong
            for column, kind in self.load.table.columns.items()
            if (
                is_wrong := cast(
                    column, kind, "VARCHAR", source_zone=self.load.source.zone, zone=zone
                ).is_wrong
            )
        }
        if not wrong:
            return
        rows = f"FROM read_parquet({literal(staged)})"
        counts = ", ".join(f"count(*) FILTER ({is_wrong})" for is_wrong in wrong.values())
        found = self.connection.execute(f"SELECT {counts} {rows}").fetchone() or ()
        for (column, is_wrong), count in zip(wrong.items(), found, strict=True):
            if count:
                lines = self.connection.execute(
                    f"SELECT _file_row {rows} WHERE {is_wrong} ORDER BY _file_row LIMIT {_SHOWN}"
                ).fetchall()
                shown = "、".join(str(line[0]) for line in lines)
                raise WangtingError(
                    f"列 {column} 应为 {self.load.table.columns[column]}，有 {count} 个值不是（第 {shown} 行）",
                    place=where,
                    mend="请填报人更正后重新放入",
                )

    def _rounded(self, staged: Path, name: str, where: str) -> list[str]:
        """Long numbers that a spreadsheet kept as numbers have lost their last digits for good."""
        texts = [column for column, kind in self.load.table.columns.items() if kind == "string"]
        if _READERS.get(PurePosixPath(name).suffix.lower()) is not read_workbook or not texts:
            return []
        lost = ", ".join(
            rf"count(*) FILTER (regexp_matches({quoted(column)}, '^\d\.\d{{5,}}[eE]\+1[5-9]$'))"
            for column in texts
        )
        found = self.connection.execute(f"SELECT {lost} FROM read_parquet({literal(staged)})").fetchone()
        return [
            f"{where} 的列 {column} 有 {count} 个值被电子表格存成了数字，末几位已丢失；请填报人把该列设为文本"
            for column, count in zip(texts, found or (), strict=True)
            if count
        ]


def clear(load: Load) -> None:
    """Remove what a load's documents were written to."""
    shutil.rmtree(_folder(load), ignore_errors=True)


def _folder(load: Load) -> Path:
    return settings.home() / "spill" / f"{load.load_id}{'-again' if load.is_replay else ''}"


def _first_row(table: Table, name: str) -> int:
    """Where data begin: documents without a header begin with their first row."""
    reader = _READERS.get(PurePosixPath(name).suffix.lower())
    return 1 if reader in (read_json, read_xml) else table.first_row


def _date(names: list[str], pattern: str | None, where: str) -> date | None:
    """The date in a file's name, or in its archive's; later files win over earlier ones by it."""
    if pattern is None:
        return None
    for name in names:
        match = re.search(pattern, PurePosixPath(name).name)
        digits = "".join(re.findall(r"\d", "".join(match.groups() or (match[0],)))) if match else ""
        try:
            return date.fromisoformat(digits)
        except ValueError:
            continue
    raise WangtingError("文件名中没有日期", place=where, mend="请在文件名中写明日期，如 2017-11-30")


def _short(error: duckdb.Error, staged: Path) -> str:
    return str(error).splitlines()[0].replace(str(staged.parent), "…")[:200]
