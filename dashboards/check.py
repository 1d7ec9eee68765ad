"""Are all dashboards right? Every chart's columns and metrics are in its dataset, every dataset's in its mart, every
word in both languages: found from the declarations and the models' own files, without dbt, in a second.

A mart's columns are what its YAML contracts; where the last select of its SQL can be read, it must give the same ones.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from dashboards import bundle, declared, kinds, marts
from dashboards.declared import Chart, Dashboard, Dataset, Declarations
from dashboards.marts import Mart
from wangting.errors import WangtingError

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_STRING = re.compile(r"'(?:[^']|'')*'")
_NAME = re.compile(r"\b[a-z_][a-z0-9_]*\b(?!\s*\()")
_WORD_OF_SQL = re.compile(
    "and|or|not|in|is|null|true|false|case|when|then|else|end|between|like|ilike|as|double|bigint|int|date|timestamp"
    "|string|boolean|decimal|distinct|filter|where|within|group|order|by|asc|desc|nulls|last|first"
)
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|--[^\n]*", re.DOTALL)


@dataclass(frozen=True)
class Checked:
    """What was looked at."""

    dashboards: int
    charts: int
    datasets: int
    marts_read: int

    def as_dict(self) -> dict[str, int]:
        """The same for `--json`."""
        return asdict(self)


def check(room: Path = declared.ROOM, project: Path = marts.PROJECT) -> Checked:
    """Look at everything.

    Raises:
        WangtingError: all findings, each with dashboard, chart and column (or dataset and column).
    """
    declarations, known = declared.read(room), marts.marts(project)
    found = list(findings(declarations, known))
    if found:
        raise WangtingError("\n".join(found), place="看板", mend="改正声明，或改回数据仓库的表")
    charts = sum(len(list(each.charts())) for each in declarations.dashboards.values())
    read = sum(given_by(known[name].model) is not None for name in declarations.datasets)
    return Checked(len(declarations.dashboards), charts, len(declarations.datasets), read)


def findings(declarations: Declarations, known: dict[str, Mart]) -> Iterator[str]:
    """Everything that is wrong, a line each."""
    whole = set()
    for dataset in declarations.datasets.values():
        wrong = list(_of_dataset(dataset, known))
        yield from wrong
        if not wrong:
            whole.add(dataset.name)
    for name, each in declarations.filters.items():
        at = f"筛选 {name}"
        if each.dataset not in declarations.datasets:
            yield f"{at}：没有数据集 {each.dataset}"
        elif each.dataset in known:
            yield from _columns(at, [each.column], known[each.dataset])
        for other in each.within:
            if other not in declarations.filters:
                yield f"{at}：within 中的筛选 {other} 不存在"
    for dashboard in declarations.dashboards.values():
        yield from _of_dashboard(dashboard, declarations, known, whole)
    yield from _twice(declarations, known, whole)


def _of_dataset(dataset: Dataset, known: dict[str, Mart]) -> Iterator[str]:
    at = f"数据集 {dataset.name}"
    if dataset.name not in known:
        yield f"{at}：数据仓库没有这个表（dbt_project/models/marts、metrics）"
        return
    mart = known[dataset.name]
    given = given_by(mart.model)
    if given is not None:
        for column in sorted(set(mart.columns) - given):
            yield f"{at}：字段 {column} 在 {mart.model.stem}.yml 中有，{mart.model.name} 没有给出"
    named = [*dataset.rights.rows.values(), *dataset.labels, *([dataset.time] if dataset.time else [])]
    yield from _columns(at, named, mart)
    for name in mart.columns:
        if not _CHINESE.search(marts.label(dataset, name, mart).zh):
            yield f"{at}：字段 {name} 没有中文名（写在 labels 里，或 {mart.model.stem}.yml 的说明里）"
    metrics = marts.metrics(dataset)
    for name, metric in metrics.items():
        if name in mart.columns:
            yield f"{at}：指标 {name} 与字段同名"
        yield from _columns(f"{at} 的指标 {name}", _named_in(metric.sql), mart)
        for part in metric.of or ():
            if part not in metrics:
                yield f"{at} 的指标 {name}：没有指标 {part}"


def _of_dashboard(
    dashboard: Dashboard, declarations: Declarations, known: dict[str, Mart], whole: set[str]
) -> Iterator[str]:
    for name in dashboard.filters:
        if name not in declarations.filters:
            yield f"看板 {dashboard.name}：没有筛选 {name}"
    for row in dashboard.rows:
        if isinstance(row, dict) and sum(chart.width or 1 for chart in row.values()) > 12:
            yield f"看板 {dashboard.name}：{'、'.join(row)} 一行的宽度超过 12"
    for name, chart in dashboard.charts():
        at = f"看板 {dashboard.name} 的图表 {name}"
        if chart.dataset not in declarations.datasets:
            yield f"{at}：没有数据集 {chart.dataset}"
            continue
        if chart.dataset not in known:
            continue  # said of the dataset
        yield from _of_chart(at, chart, declarations.datasets[chart.dataset], known[chart.dataset])
        for other in chart.ignores:
            if other not in (*dashboard.filters, declared.CLICKS):
                yield f"{at}：ignores 中的 {other} 不是这个看板的筛选"


def _of_chart(at: str, chart: Chart, dataset: Dataset, mart: Mart) -> Iterator[str]:
    metrics = marts.metrics(dataset)
    for name in chart.metrics:
        if name not in metrics:
            yield f"{at}：数据集 {dataset.name} 没有指标 {name}"
    either = [name.removeprefix("-") for name in chart.order] + [*chart.good, *chart.bad]
    columns = [*chart.by, *chart.columns, *_named_in(chart.where), *([chart.x] if chart.x else [])]
    yield from _columns(at, [*columns, *(name for name in either if name not in metrics)], mart)
    for condition in (*chart.good.values(), *chart.bad.values()):
        if not kinds.readable(condition):
            yield f"{at}：读不懂条件 {condition}（写作 >= 0.6）"
    needs = {
        "metrics": chart.kind not in ("list", "cards"),
        "columns": chart.kind == "list",
        "x": chart.kind in ("line", "area", "bar", "heatmap"),
        "by": chart.kind in ("pie", "heatmap", "table", "cards"),
        "figures": chart.kind == "cards",
    }
    for field, is_needed in needs.items():
        if bool(getattr(chart, field)) < is_needed:
            yield f"{at}：{chart.kind} 要写 {field}"
    for code in chart.figures:
        if code not in marts.definitions():
            yield f"{at}：没有指标定义 {code}"
    for name in chart.metrics if chart.kind == "table" else []:
        parts = metrics[name].of if name in metrics else None
        if parts and not set(parts) <= set(chart.metrics):
            yield f"{at}：比例 {name} 旁边要有分子 {parts[0]} 和分母 {parts[1]}"


def _columns(at: str, names: list[str], mart: Mart) -> Iterator[str]:
    for name in dict.fromkeys(names):
        if name not in mart.columns:
            yield f"{at}：表 {mart.model.stem} 没有字段 {name}"


def _named_in(sql: str | None) -> list[str]:
    """The columns that a condition or an aggregate names."""
    text = _STRING.sub("''", sql or "").lower()
    return [name for name in _NAME.findall(text) if not _WORD_OF_SQL.fullmatch(name)]


def given_by(model: Path) -> frozenset[str] | None:
    """The columns of a model's last select, or None where they cannot be told without dbt (loops, a star)."""
    if not model.is_file():
        return frozenset()
    text = model.read_text("utf-8")
    last = text[max(text.rfind("\nselect"), 0) :]
    if "{%" in last or "*" in _JINJA.sub("", last).split("\nfrom")[0]:
        return None
    body = _JINJA.sub("", last).split("\nfrom")[0].removeprefix("\nselect")
    names = []
    for part in _split(re.sub(r"\{\{.*?\}\}", "jinja", body, flags=re.DOTALL)):
        words = re.findall(r"[a-z_][a-z0-9_]*", part.lower())
        if not words:
            return None
        names.append(words[-1])
    return frozenset(names)


def _split(body: str) -> Iterator[str]:
    """The parts of a list of columns, commas in brackets left alone."""
    depth, start = 0, 0
    for place, letter in enumerate(body):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            yield body[start:place]
            start = place + 1
    yield body[start:]


def _twice(declarations: Declarations, known: dict[str, Mart], whole: set[str]) -> Iterator[str]:
    """Two things under one uuid; only where everything else is right, otherwise there is nothing to derive from."""
    if whole != set(declarations.datasets):
        return
    try:
        given = Counter(
            str(content["uuid"]) for _, content in bundle.files(declarations, known) if "uuid" in content
        )
    except (KeyError, AssertionError):
        return  # said above
    for each, count in given.items():
        if count > 1:
            yield f"uuid {each} 有 {count} 个"
