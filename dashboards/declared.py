"""What people look at, as declared: datasets (`datasets/<mart>.yml`), filters (`filters.yml`) and dashboards
(`<dashboard>/dashboard.yml`), read as types. Every word a person reads stands here in both languages, or is derived
from what the models already say of their columns (`dashboards.marts`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from wangting import declared
from wangting.errors import WangtingError

ROOM = Path(__file__).parent
Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
# Among what a chart ignores: what is clicked in other charts.
CLICKS = "clicks"

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
_Order = Annotated[str, StringConstraints(pattern=r"^-?[a-z][a-z0-9_]*$")]
_Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Declared):
    """What a person reads, in both languages."""

    zh: _Words
    en: _Words

    def of(self, language: Language) -> str:
        """The words of one language."""
        return self.zh if language == "zh" else self.en


def _both(value: Any) -> Any:
    """`中文 | English` as a Text."""
    if not isinstance(value, str):
        return value
    zh, bar, en = value.partition(" | ")
    if not bar:
        raise ValueError("中英文都要写：中文 | English")
    return {"zh": zh, "en": en}


Words = Annotated[Text, BeforeValidator(_both)]


class Rights(_Declared):
    """Who may see a dataset's rows; who has no right to any gets no permission at all.

    Attributes:
        rows: whose a row is: the columns of county (12 digits), unit and town codes.
        open: for everybody, the public too. reference: names only, for every role but the public.
        staff: supervisors and the city's supervision only. persons: the role of person-grain rows only.
    """

    rows: dict[Literal["county", "unit", "town"], _Name] = {}
    open: bool = False
    reference: bool = False
    staff: bool = False
    persons: bool = False

    @model_validator(mode="after")
    def _somebodys(self) -> "Rights":
        if not (self.rows or self.open or self.reference or self.staff or self.persons):
            raise ValueError("没有写明谁可以看（rows、open、reference、staff、persons 之一）")
        if self.rows and "county" not in self.rows:
            raise ValueError("rows 至少要写 county")
        if (self.open or self.reference) and (self.staff or self.persons):
            raise ValueError("open、reference 不能与 staff、persons 同写")
        return self


class Metric(_Declared):
    """A metric of a dataset.

    Attributes:
        sql: an aggregate over its columns. of: instead of it numerator and denominator, two metrics of the dataset: the
            metric is their share, 「无业务」 where there is no denominator.
        format: how its number is written (d3-format).
    """

    title: Words
    sql: str | None = None
    of: tuple[_Name, _Name] | None = None
    format: str = ",d"

    @model_validator(mode="after")
    def _one_way(self) -> "Metric":
        if (self.sql is None) == (self.of is None):
            raise ValueError("sql 与 of（分子、分母）要写一个，也只写一个")
        return self


class Dataset(_Declared):
    """One table of marts.duckdb, as charts read it.

    Attributes:
        name: the mart. time: its main date or timestamp column.
        labels: what columns are called, where the first words of the mart's own description will not do.
        metrics_of: a grain of metric_grains.yml: each official definition counted in it is a metric here too, with its
            numerator and denominator (`<code>`, `<code>_numerator`, `<code>_denominator`).
    """

    name: _Name
    title: Words
    rights: Rights
    time: _Name | None = None
    labels: dict[_Name, Words] = {}
    metrics: dict[_Name, Metric] = {}
    metrics_of: _Name | None = None


class Filter(_Declared):
    """A native filter: one choice among a column's values, for every chart whose dataset has a column of that name.

    Attributes:
        dataset: where the values come from, nothing never among them; `order` is a metric, or the column itself, that
            sorts them, `-` before what falls.
        default: `first` takes the first of them; None: all.
        within: filters whose choice narrows the values.
    """

    title: Words
    dataset: _Name
    column: _Name
    order: _Order | None = None
    default: Literal["first"] | None = None
    within: list[_Name] = []


Kind = Literal["cards", "big_number", "line", "area", "bar", "pie", "heatmap", "table", "list"]


class Chart(_Declared):
    """One chart. What it does not say follows from its kind (`dashboards.kinds`).

    Attributes:
        kind: cards (`figures` side by side, large, one line for each `by`; see `dashboards.cards`), big_number, line,
            area, bar, pie, heatmap (x by `by`), table (aggregated), list (row by row).
        metrics: of the dataset; of a list, none. by: what is grouped by. x: the axis. columns: of a list.
        where: a condition in the dataset's columns. order: columns or metrics, `-` before what falls.
        ignores: filters that leave it alone; `clicks`: so does what is clicked in other charts. width: of twelve.
            height: in units of 8 pixels, of the whole row.
        good, bad: metric or column → the condition under which it is shown green or red, as `>= 0`.
        figures: codes of metrics (dbt_project/metrics), of cards.
    """

    kind: Kind
    dataset: _Name
    title: Words
    note: Words | None = None
    metrics: list[_Name] = []
    by: list[_Name] = []
    x: _Name | None = None
    columns: list[_Name] = []
    where: str | None = None
    order: list[_Order] = []
    limit: int | None = Field(None, gt=0)
    ignores: list[_Name] = []
    width: int | None = Field(None, gt=0, le=12)
    height: int | None = Field(None, gt=0)
    stacked: bool = False
    good: dict[_Name, str] = {}
    bad: dict[_Name, str] = {}
    figures: list[_Name] = []


class Heading(_Declared):
    """A line of words between rows."""

    heading: Words


def _kind_of_row(row: Any) -> str:
    return "heading" if isinstance(row, Heading) or (isinstance(row, dict) and "heading" in row) else "charts"


Row = Annotated[
    Annotated[Heading, Tag("heading")] | Annotated[dict[_Name, Chart], Tag("charts")],
    Discriminator(_kind_of_row),
]


class Dashboard(_Declared):
    """A dashboard: its folder's name is its slug; rows from top to bottom, the charts of a row from left to right."""

    name: _Name
    title: Words
    about: Words
    place: int
    filters: list[_Name] = []
    rows: list[Row]

    def charts(self) -> Iterator[tuple[str, Chart]]:
        """Every chart with its name."""
        for row in self.rows:
            if isinstance(row, dict):
                yield from row.items()


class Declarations(_Declared):
    """Everything declared: by name, dashboards by their place; `english`: column → Chinese value → English value."""

    datasets: dict[str, Dataset]
    filters: dict[str, Filter]
    dashboards: dict[str, Dashboard]
    english: dict[str, dict[str, str]]


class _Filters(_Declared):
    filters: dict[_Name, Filter]


class _English(_Declared):
    """What stands in columns of words, in English: column → Chinese → English."""

    values: dict[_Name, dict[str, str]]


def read(room: Path = ROOM) -> Declarations:
    """All declarations below `room`.

    Raises:
        WangtingError: with file, line and field of the first thing that does not fit.
    """
    datasets = [
        declared.load(path, Dataset, name=path.stem) for path in sorted((room / "datasets").glob("*.yml"))
    ]
    dashboards = [
        declared.load(path, Dashboard, name=path.parent.name) for path in sorted(room.glob("*/dashboard.yml"))
    ]
    for dashboard in dashboards:
        names = [name for name, _ in dashboard.charts()]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise WangtingError(
                f"图表 {'、'.join(twice)} 有两个", place=f"看板 {dashboard.name}", mend="改名，或只留一个"
            )
    return Declarations(
        datasets={dataset.name: dataset for dataset in datasets},
        filters=declared.load(room / "filters.yml", _Filters).filters,
        english=declared.load(room / "english.yml", _English).values,
        dashboards={each.name: each for each in sorted(dashboards, key=lambda each: (each.place, each.name))},
    )
