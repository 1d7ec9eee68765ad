"""What the models say of the tables that dashboards read: columns with type and words, and the metric definitions.

Reads the YAML beside each model, never dbt, so that it takes a moment.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dashboards.declared import Dataset, Metric, Text
from wangting import declared, glossary, settings
from wangting.errors import WangtingError

PROJECT = settings.REPOSITORY / "dbt_project"
_DOC = re.compile(r"\{\{\s*doc\('([a-z0-9_]+)'\)\s*\}\}")
# A column's label is what stands before the first of these in its description.
_FIRST_WORDS = re.compile(r"[（(；;，,。：:]")


@dataclass(frozen=True)
class Column:
    """A column of a mart: its type in the models' words, and what it is called in Chinese."""

    data_type: str
    words: str


@dataclass(frozen=True)
class Mart:
    """A mart as its YAML has it: the files of model and YAML, and its columns."""

    model: Path
    columns: dict[str, Column]


def marts(project: Path = PROJECT) -> dict[str, Mart]:
    """Every table of marts.duckdb by its name."""
    terms = glossary.terms()
    found = {}
    for folder in ("marts", "metrics"):
        for path in sorted((project / "models" / folder).rglob("*.yml")):
            if path.name.startswith("_"):
                continue
            for model in declared.read(path)[0]["models"]:
                columns = {
                    column["name"]: Column(str(column["data_type"]), _words(column, terms))
                    for column in model.get("columns", [])
                }
                found[str(model["name"])] = Mart(path.with_suffix(".sql"), columns)
    return found


def _words(column: Mapping[str, Any], terms: Mapping[str, str]) -> str:
    text = _DOC.sub(lambda match: terms.get(match[1], match[1]), str(column.get("description", "")))
    return _FIRST_WORDS.split(text.strip(), maxsplit=1)[0].strip()


def label(dataset: Dataset, name: str, mart: Mart) -> Text:
    """What a column is called: as the dataset says, else the mart's first words and the column's own name."""
    if name in dataset.labels:
        return dataset.labels[name]
    return Text(zh=mart.columns[name].words or name, en=in_english(name))


def in_english(name: str) -> str:
    """`handling_working_days` → `Handling working days`; the ending of names is left out."""
    words = re.sub(r"_name$", "", name).removeprefix("is_").replace("_", " ")
    return words[:1].upper() + words[1:]


@cache
def definitions(project: Path = PROJECT) -> dict[str, dict[str, Any]]:
    """The official definition of every metric by its code, with the metric's own name, kind and grain."""
    found = {}
    for path in sorted((project / "metrics").glob("*.yml")):
        metric = declared.read(path)[0]
        own = {key: metric[key] for key in ("name", "kind", "grain")}
        official = [one for one in metric["definitions"] if one["is_official"]]
        found[path.stem] = {**own, **max(official, key=lambda one: str(one["valid_from"]))}
    return found


def metrics(dataset: Dataset, project: Path = PROJECT) -> dict[str, Metric]:
    """The dataset's metrics: those that it declares, and the definitions of its grain worded as the models word them.

    Raises:
        WangtingError: a grain that there is not, or a fact that is not this table.
    """
    found = dict(dataset.metrics)
    if dataset.metrics_of is None:
        return found
    grain = declared.read(project / "metric_grains.yml")[0].get(dataset.metrics_of)
    if grain is None or grain["fact"] != dataset.name:
        raise WangtingError(
            f"没有以 {dataset.name} 为事实表的统计单位 {dataset.metrics_of}",
            place=f"数据集 {dataset.name} 的 metrics_of",
            mend="见 dbt_project/metric_grains.yml",
        )
    for code, one in definitions(project).items():
        if one["grain"] != dataset.metrics_of or one["kind"] not in ("share", "count"):
            continue
        title = Text(zh=one["name"], en=in_english(code))
        counted = _count([*one["population"], *one["numerator"]])
        if one["kind"] == "count":
            found[code] = Metric(title=title, sql=counted)
            continue
        found[code] = Metric(title=title, of=(f"{code}_numerator", f"{code}_denominator"), format=".2%")
        found[f"{code}_numerator"] = Metric(
            title=Text(zh=f"{title.zh}分子", en=f"{title.en}: numerator"), sql=counted
        )
        found[f"{code}_denominator"] = Metric(
            title=Text(zh=f"{title.zh}分母", en=f"{title.en}: denominator"), sql=_count(one["population"])
        )
    return found


def _count(flags: list[str]) -> str:
    return f"count_if({' and '.join(dict.fromkeys(flags))})"


def sql_of(metrics_of_dataset: Mapping[str, Metric], name: str) -> str:
    """A metric's SQL; of a share, its two metrics' divided."""
    metric = metrics_of_dataset[name]
    if metric.of is None:
        return str(metric.sql)
    numerator, denominator = (sql_of(metrics_of_dataset, each) for each in metric.of)
    return f"({numerator}) * 1.0 / nullif({denominator}, 0)"
