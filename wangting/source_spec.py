"""What a system of the city is and what its tables promise: the types of `sources/<source>/source.yml`."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

_SPAN = re.compile(r"^(?:every )?(\d+) (second|minute|hour|day)s?$")
_COLUMN_TYPE = re.compile(r"^(string|int|bigint|double|date|timestamp|boolean|decimal\(\d+,\s*\d+\))$")
_WORKING = re.compile(r"^(\d+) working hours?$")

Connect = Literal["postgres", "mysql", "sqlite", "rest", "files", "http", "own"]
DATABASES = ("postgres", "mysql", "sqlite")
FILES = ("files", "http")


def _span(value: Any) -> Any:
    if isinstance(value, str) and (match := _SPAN.match(value)):
        return timedelta(**{f"{match[2]}s": int(match[1])})
    raise ValueError("应写作「10 minutes」「every 2 hours」这样的时长")


Span = Annotated[timedelta, BeforeValidator(_span)]


class Declared(BaseModel):
    """What is declared in a file: nothing unknown in it, and nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Floor(Declared):
    """How little of a table is suspiciously little, and why that number."""

    rows_per_working_day: int
    why: str


class Declares(Declared):
    """A table that is not of records but of how many the source believes to have produced: its columns' names.

    Attributes:
        day, unit, record: business day, department's code and record type (EX_GDBS_SB …) of a count. count: how many.
    """

    day: str
    unit: str
    record: str
    count: str


class Paging(Declared):
    """How a REST interface hands out a table that is larger than one answer.

    Attributes:
        by: page (numbered from 1), offset (rows to skip), cursor (each answer names the next one's), link (each answer
            holds the next one's address, in the body or in the Link header).
        page, size: the parameters that carry page number, offset or cursor, and how many rows are wanted.
        rows: where an answer holds its rows: names joined by dots; empty: the answer itself is the list.
        total: where it says how many there are in all; None: it does not, a page that is not full is the last.
        next: cursor and link only: where it holds the next cursor or address; None: in the Link header.
    """

    by: Literal["page", "offset", "cursor", "link"] = "page"
    page: str = "page"
    size: str = "size"
    rows: str = "data"
    total: str | None = "total"
    next: str | None = None


class Manifest(Declared):
    """The list that comes with dropped files and says what each of them should hold.

    Attributes:
        file: its name (a pattern) in the archive, or beside the files; CSV, JSON or XML by its ending.
        name, rows, sha256: the columns (elements) in which it gives a file's name, its number of records, its checksum.
    """

    file: str
    name: str = "file"
    rows: str | None = "rows"
    sha256: str | None = "sha256"


class Deletes(Declared):
    """How it is found out that rows are gone at the source; a row that is gone lands as a row with `_is_deleted`.

    Attributes:
        by: keys (all keys are asked for and compared: small tables), counts (rows a day are compared, and the keys of
            the days that differ: large ones), snapshot (every pull is the whole table: what is not in it is gone).
        day: counts only: the column of type date or timestamp by which rows are counted.
        every: how often; a snapshot is compared at each pull.
        limit: the share of rows that may be gone at once; more is taken for a mistake of the source and stops the
            table: nothing is marked.
    """

    by: Literal["keys", "counts", "snapshot"]
    day: str | None = None
    every: Span = timedelta(days=1)
    limit: float = Field(0.2, gt=0, le=1)


class Filled(Declared):
    """How much of a column must be filled in a load, and why that much."""

    share: float = Field(gt=0, le=1)
    why: str


class Table(Declared):
    """One table of a source: what a row is called by, how newness shows, and which columns are promised.

    Attributes:
        key: the columns that name a row.
        case_no: the column with the number of the case; None: it has none, a trace looks into all its text columns.
        cursor: the column that grows with every change; None: the whole table (or each new file) is taken.
        lag: how much earlier a late commit's cursor may be than the moment it became visible.
        running_number: the column in which the source itself numbers the versions of a record 1, 2, 3 …, where it does;
            a number that is missing is then told of.
        columns: name → type, as the source promises them; a missing one stops the table, a new one warns.
        declares: the table holds the source's own counts, for the reconciliation.
        relation: databases only: schema.table where it differs from the table's name.
        path, page_size: REST only: the address under the source's url, rows a page. HTTP: the address of the file.
        since, until: REST only: the parameters that restrict to changes from and up to a moment, both inclusive.
        span: REST only: the longest time between `since` and `until` in one request; None: any.
        parameters: REST only: what every request carries besides.
        paging: REST only.
        pattern, sheet, file_date: files only: which files of the folder, which sheet (None: the first; `*`: all of the
            same shape, their names in `_sheet`), and a regular expression that finds the date in a file's name.
        members: files only: which files inside a ZIP archive are this table's.
        manifest: files only: the list of what files ought to hold; one that it does not confirm is refused.
        element: files only: XML: the element that is a row; JSON: where the list of rows stands, names joined by dots.
        header_row, header_levels, first_row: files only: the lowest row of the header, how many rows it spans (merged
            cells), and the first row of data; counted from 1.
        delimiter, encoding: files only: of CSV. The encoding `auto` finds out among UTF-8, GB 18030 and UTF-16.
        notes: files only: a regular expression; a line whose first filled cell matches it is no row (a note, a sum).
        deletes: how rows that are gone are found out; None: nobody looks.
        codes: column → code list (of the exchange specification, or of the site's seeds/code_maps.csv for this source):
            values that neither knows are told of with their counts.
        filled: column → how much of it must be filled.
    """

    title: str
    key: list[str] = Field(min_length=1)
    case_no: str | None = None
    columns: dict[str, str]
    cursor: str | None = None
    lag: Span = timedelta(0)
    running_number: str | None = None
    relation: str | None = None
    path: str | None = None
    page_size: int = Field(500, ge=1)
    since: str | None = None
    until: str | None = None
    span: Span | None = None
    parameters: dict[str, str] = Field(default_factory=dict)
    paging: Paging = Paging()
    pattern: str | None = None
    members: str | None = None
    manifest: Manifest | None = None
    element: str | None = None
    notes: str | None = None
    sheet: str | None = None
    header_row: int = Field(1, ge=1)
    header_levels: int = Field(1, ge=1)
    first_row: int = Field(2, ge=2)
    file_date: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    floor: Floor | None = None
    declares: Declares | None = None
    deletes: Deletes | None = None
    codes: dict[str, str] = Field(default_factory=dict)
    filled: dict[str, Filled] = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _known_types(cls, columns: dict[str, str]) -> dict[str, str]:
        for name, kind in columns.items():
            if not _COLUMN_TYPE.match(kind):
                raise ValueError(
                    f"列 {name} 的类型 {kind} 不认识；可用 string、int、bigint、double、"
                    "decimal(p,s)、date、timestamp、boolean"
                )
        return columns

    @model_validator(mode="after")
    def _names_exist(self) -> "Table":
        lineage = {"_file", "_file_row", "_file_date", "_sheet"} if self.pattern or self.path else set()
        for name in [*self.key, *([self.cursor] if self.cursor else [])]:
            if name not in self.columns and name not in lineage:
                raise ValueError(f"键或游标 {name} 不在 columns 之中")
        if self.case_no and self.case_no not in self.columns:
            raise ValueError(f"办件号的列 {self.case_no} 不在 columns 之中")
        if self.running_number is not None and self.running_number not in self.columns:
            raise ValueError(f"版本号列 {self.running_number} 不在 columns 之中")
        for name in (*self.codes, *self.filled):
            if name not in self.columns:
                raise ValueError(f"codes 或 filled 中的列 {name} 不在 columns 之中")
        if self.deletes and self.deletes.by == "counts" and self.deletes.day not in self.columns:
            raise ValueError("deletes 的 by 为 counts 时，day 应为 columns 中的一列")
        for name in self.declares.model_dump().values() if self.declares else ():
            if name not in self.columns:
                raise ValueError(f"declares 中的列 {name} 不在 columns 之中")
        if self.cursor and self.columns[self.cursor] != "timestamp":
            raise ValueError(f"游标 {self.cursor} 应为 timestamp")
        if self.header_levels > self.header_row or self.first_row <= self.header_row:
            raise ValueError("header_levels 应不大于 header_row，first_row 应大于 header_row")
        return self


class Source(Declared):
    """One system that the city's data comes from.

    Attributes:
        connect: which connector speaks to it; own: the folder's own extract.py.
        system: which of the plans' systems (wangting/systems.yml) it is, or is a part of.
        url: its address, with secrets only named as `${NAME}`.
        zone: the zone of its times.
        schedule: how often it is pulled.
        silent_after: after how many working hours without news it counts as silent.
        token: REST only: names of the client's id and secret, and where the token is asked for.
        of_the_house: it reads the house's own ledger: it is pulled after the others and after the exchange, and wakes
            no exchange.
    """

    name: str
    title: str
    owner: str
    connect: Connect
    url: str
    system: str | None = None
    zone: str
    schedule: Span
    silent_after: str
    tables: dict[str, Table] = Field(min_length=1)
    token: dict[Literal["path", "client_id", "client_secret"], str] | None = None
    of_the_house: bool = False

    @field_validator("silent_after")
    @classmethod
    def _working_hours(cls, value: str) -> str:
        if not _WORKING.match(value):
            raise ValueError("应写作「4 working hours」")
        return value

    @model_validator(mode="after")
    def _fits_connector(self) -> "Source":
        needed = {"rest": "path", "http": "path", "files": "pattern"}.get(self.connect)
        for name, table in self.tables.items():
            by = table.deletes.by if table.deletes else None
            if by == "snapshot" and table.cursor and self.connect not in FILES:
                raise ValueError(f"表 {name} 的 deletes 为 snapshot，每次都取全表，不应有 cursor")
            if by in ("keys", "counts") and self.connect in FILES:
                raise ValueError(f"表 {name} 来自文件，deletes 的 by 只能是 snapshot")
            if needed and getattr(table, needed) is None:
                raise ValueError(f"表 {name} 缺少 {needed}（connect 为 {self.connect} 时必填）")
        return self

    @property
    def silent_hours(self) -> int:
        """`silent_after` as a number of working hours."""
        match = _WORKING.match(self.silent_after)
        assert match is not None  # the validator above has seen to it
        return int(match[1])
