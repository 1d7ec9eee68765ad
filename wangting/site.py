"""Which city is this? A site's own declarations as validated types."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from wangting import declared, settings
from wangting.errors import WangtingError

_SPAN = re.compile(r"^(?:every )?(\d+) (second|minute|hour|day)s?$")
_COLUMN_TYPE = re.compile(r"^(string|int|bigint|double|date|timestamp|boolean|decimal\(\d+,\s*\d+\))$")
_WORKING = re.compile(r"^(\d+) working hours?$")


def _span(value: Any) -> Any:
    if isinstance(value, str) and (match := _SPAN.match(value)):
        return timedelta(**{f"{match[2]}s": int(match[1])})
    raise ValueError("应写作「10 minutes」「every 2 hours」这样的时长")


Span = Annotated[timedelta, BeforeValidator(_span)]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Floor(_Declared):
    """How little of a table is suspiciously little, and why that number."""

    rows_per_working_day: int
    why: str


class Table(_Declared):
    """One table of a source: what a row is called by, how newness shows, and which columns are promised.

    Attributes:
        key: the columns that name a row.
        cursor: the column that grows with every change; None: the whole table (or each new file) is taken.
        lag: how much earlier a late commit's cursor may be than the moment it became visible.
        columns: name → type, as the source promises them; a missing one stops the table, a new one warns.
        relation: PostgreSQL only: schema.table where it differs from public.<name>.
        path, page_size, since: REST only: the address under the source's url, rows a page, the parameter that filters.
        pattern, sheet, file_date: files only: which files of the folder, which sheet (None: the first), and a regular
            expression that finds the date in a file's name.
        header_row, header_levels, first_row: files only: the lowest row of the header, how many rows it spans (merged
            cells), and the first row of data; counted from 1.
    """

    title: str
    key: list[str] = Field(min_length=1)
    columns: dict[str, str]
    cursor: str | None = None
    lag: Span = timedelta(0)
    relation: str | None = None
    path: str | None = None
    page_size: int = Field(500, ge=1)
    since: str | None = None
    pattern: str | None = None
    sheet: str | None = None
    header_row: int = Field(1, ge=1)
    header_levels: int = Field(1, ge=1)
    first_row: int = Field(2, ge=2)
    file_date: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    floor: Floor | None = None

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
        lineage = {"_file", "_file_row", "_file_date"} if self.pattern else set()
        for name in [*self.key, *([self.cursor] if self.cursor else [])]:
            if name not in self.columns and name not in lineage:
                raise ValueError(f"键或游标 {name} 不在 columns 之中")
        if self.cursor and self.columns[self.cursor] != "timestamp":
            raise ValueError(f"游标 {self.cursor} 应为 timestamp")
        if self.header_levels > self.header_row or self.first_row <= self.header_row:
            raise ValueError("header_levels 应不大于 header_row，first_row 应大于 header_row")
        return self


class Source(_Declared):
    """One system that the city's data comes from.

    Attributes:
        connect: which connector speaks to it.
        url: its address, with secrets only named as `${NAME}`.
        zone: the zone of its times.
        schedule: how often it is pulled.
        silent_after: after how many working hours without news it counts as silent.
        token: REST only: names of the client's id and secret, and where the token is asked for.
    """

    name: str
    title: str
    owner: str
    connect: Literal["postgres", "rest", "files"]
    url: str
    zone: str
    schedule: Span
    silent_after: str
    tables: dict[str, Table] = Field(min_length=1)
    token: dict[Literal["path", "client_id", "client_secret"], str] | None = None

    @field_validator("silent_after")
    @classmethod
    def _working_hours(cls, value: str) -> str:
        if not _WORKING.match(value):
            raise ValueError("应写作「4 working hours」")
        return value

    @model_validator(mode="after")
    def _fits_connector(self) -> "Source":
        needed = {"rest": "path", "files": "pattern"}.get(self.connect)
        for name, table in self.tables.items():
            if needed and getattr(table, needed) is None:
                raise ValueError(f"表 {name} 缺少 {needed}（connect 为 {self.connect} 时必填）")
        return self

    @property
    def silent_hours(self) -> int:
        """`silent_after` as a number of working hours."""
        match = _WORKING.match(self.silent_after)
        assert match is not None  # the validator above has seen to it
        return int(match[1])


class Province(_Declared):
    """Who receives the exchange records, and how much at a time.

    Attributes:
        dialect: how a record is worded on the wire.
        dept_code: the sender's code at the receiver.
        connections: how many requests are under way at once.
    """

    dialect: Literal["xml"] = "xml"
    url: str = "${PROVINCE_URL}"
    token: str = "${PROVINCE_TOKEN}"
    dept_code: str
    connections: int = 32
    timeout: Span = timedelta(seconds=10)


class Site(_Declared):
    """A city: its name, its plan, its systems.

    Attributes:
        go_live: from this business time on the 12 hours count; older records are backfill.
        precedence: which source wins where two report the same record, first is strongest.
        sources: the systems whose declaration is sound.
        broken: the others, by name, with what is wrong; pulling goes on without them, everything that needs the whole
            city asks `check` first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str
    title: str
    division: str
    zone: str
    plan: str
    go_live: datetime
    precedence: list[str]
    province: Province
    path: Path
    sources: list[Source]
    broken: dict[str, WangtingError] = {}

    def check(self) -> "Site":
        """The site itself, when every one of its sources is soundly declared.

        Raises:
            WangtingError: what is wrong with the first that is not.
        """
        for error in self.broken.values():
            raise error
        return self

    def source(self, name: str) -> Source:
        """The source of that name.

        Raises:
            WangtingError: there is none (the error lists those there are), or its declaration is broken.
        """
        for source in self.sources:
            if source.name == name:
                return source
        if name in self.broken:
            raise self.broken[name]
        known = "、".join(source.name for source in self.sources)
        raise WangtingError(f"没有名为 {name} 的来源", place=self.title, mend=f"可用的来源：{known}")

    @property
    def specification_override(self) -> Path | None:
        """The site's own changes to the exchange specification, where it has any."""
        path = self.path / "specification.yml"
        return path if path.is_file() else None


@lru_cache(maxsize=8)
def _load(path: Path, _stamp: float) -> Site:
    sources: list[Source] = []
    broken: dict[str, WangtingError] = {}
    for file in sorted((path / "sources").glob("*/source.yml")):
        try:
            sources.append(declared.load(file, Source, name=file.parent.name))
        except WangtingError as error:
            broken[file.parent.name] = error
    site = declared.load(path / "site.yml", Site, path=path, sources=sources, broken=broken)
    unknown = set(site.precedence) - {source.name for source in sources} - set(broken)
    if unknown:
        raise WangtingError(
            f"precedence 中的 {'、'.join(sorted(unknown))} 没有对应的来源目录",
            place=str(path / "site.yml"),
            mend="改正名称，或在 sources/ 下补上",
        )
    return site


def current_site() -> Site:
    """The site that `WANGTING_SITE` names, read once and again when one of its files changes."""
    path = settings.site_path()
    files = [path / "site.yml", *(path / "sources").glob("*/source.yml")]
    return _load(path, max(file.stat().st_mtime for file in files))
