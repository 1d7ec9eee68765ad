"""Superset's assets, derived: a dataset and a dashboard a language, every uuid made from names alone.

What a column is called belongs to Superset's dataset, and a table's name is a dataset only once (on SQLite in all
databases together). So the English dataset names its table in capitals, which DuckDB takes for the same; `rates` has
`rates-en` beside it.
"""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dashboards import kinds, marts
from dashboards.declared import CLICKS, LANGUAGES, Chart, Dashboard, Dataset, Declarations, Filter, Language
from dashboards.marts import Mart

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://wangting.invalid/dashboards")
DATABASE = "wangting"
_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
_YES_NO = {"zh": ("是", "否"), "en": ("Yes", "No")}
_VERSION = {"version": "1.0.0"}
# Cards show the first few scopes on purpose: no warning that there are more.
_CARDS = ".dashboard-component-chart-holder:has(td div[style*='28px']) .anticon-warning { display: none; }"
# Superset's tables say "N/A" where there is nothing, in every language.
_NOTHING = "td.dt-is-null { font-size: 0; } td.dt-is-null::after { content: '—'; font-size: 12px; }"
_CSS = f"{_CARDS}\n{_NOTHING}"
# "Clear all" would take the choice from filters that always have one, and the page then shows figures of no plan.
_NO_CLEARING = '[data-test="filter-bar__clear-button"] { display: none; }'


def named(*names: str) -> str:
    """The uuid of something by its kind, language and names."""
    return str(uuid.uuid5(_NAMESPACE, " ".join(names)))


def write(folder: Path, declarations: Declarations, known: dict[str, Mart]) -> int:
    """Write the bundle's files into `folder`, which is emptied first; returns how many.

    The same declarations give the same bytes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    count = 0
    for name, content in files(declarations, known):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=True, width=1000), "utf-8")
        count += 1
    return count


def files(declarations: Declarations, known: dict[str, Mart]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every file of the bundle by its name, in a fixed order."""
    yield "metadata.yaml", {**_VERSION, "type": "assets", "timestamp": "2017-01-01T00:00:00+00:00"}
    yield f"databases/{DATABASE}.yaml", _database()
    for language in LANGUAGES:
        for dataset in declarations.datasets.values():
            source = _source(dataset, known[dataset.name], language, declarations)
            yield (
                f"datasets/{DATABASE}/{table(dataset, language)}.yaml",
                _dataset(source, known[dataset.name], declarations),
            )
        for dashboard in declarations.dashboards.values():
            for name, chart in dashboard.charts():
                source = _source(
                    declarations.datasets[chart.dataset], known[chart.dataset], language, declarations
                )
                yield (
                    f"charts/{_slug(dashboard, language)}_{name}.yaml",
                    _chart(dashboard, name, chart, source),
                )
            yield (
                f"dashboards/{_slug(dashboard, language)}.yaml",
                _dashboard(dashboard, language, declarations),
            )


def _slug(dashboard: Dashboard, language: Language) -> str:
    return dashboard.name if language == "zh" else f"{dashboard.name}-en"


def table(dataset: Dataset, language: Language) -> str:
    """The table as the dataset of a language names it."""
    return dataset.name if language == "zh" else dataset.name.upper()


def _database() -> dict[str, Any]:
    return {
        **_VERSION,
        "database_name": DATABASE,
        "sqlalchemy_uri": "duckdb:///marts.duckdb",  # a name only: the connection is opened by dashboards.superset
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "cache_timeout": None,
        "extra": {"allows_virtual_table_explore": False},
        "uuid": named("database", DATABASE),
    }


def english_of(declarations: Declarations, column: str) -> dict[str, str]:
    """What stands in a column, Chinese → English; empty where it stays as it is."""
    if column == "metric_name":
        return {str(one["name"]): marts.in_english(code) for code, one in marts.definitions().items()}
    return declarations.english.get(column, {})


def _source(dataset: Dataset, mart: Mart, language: Language, declarations: Declarations) -> kinds.Source:
    metrics = marts.metrics(dataset)
    labels = {name: marts.label(dataset, name, mart).of(language) for name in mart.columns}
    labels |= {name: metric.title.of(language) for name, metric in metrics.items()}
    listed = {
        name
        for dashboard in declarations.dashboards.values()
        for _, chart in dashboard.charts()
        if chart.dataset == dataset.name
        for name in chart.columns
    }
    shown = {name: f"{name}_words" for name in sorted(_of_type(mart, "boolean") & listed)}
    if language == "en":
        shown |= {name: f"{name}_en" for name in mart.columns if english_of(declarations, name)}
    labels |= {other: labels[name] for name, other in shown.items()}
    return kinds.Source(
        dataset, language, metrics, labels, shown, _of_type(mart, "double"), _of_type(mart, "date")
    )


def _of_type(mart: Mart, data_type: str) -> frozenset[str]:
    return frozenset(name for name, column in mart.columns.items() if column.data_type == data_type)


def _dataset(source: kinds.Source, mart: Mart, declarations: Declarations) -> dict[str, Any]:
    dataset, language = source.dataset, source.language
    columns = [
        _column(name, source.labels[name], _TYPES.get(column.data_type.split("(")[0], "DECIMAL"))
        for name, column in mart.columns.items()
    ]
    booleans = _of_type(mart, "boolean")
    for name, other in source.shown.items():
        english = english_of(declarations, name) if language == "en" else {}
        whens = "".join(
            f" when '{zh}' then '{en.replace(chr(39), chr(39) * 2)}'" for zh, en in english.items()
        )
        said = f"case {name}{whens} else {name} end"
        if name in booleans:
            yes, no = _YES_NO[language]
            said = f"case when {name} then '{yes}' when not {name} then '{no}' end"
        columns.append(_column(other, source.labels[name], "VARCHAR") | {"expression": said})
    return {
        **_VERSION,
        "table_name": table(dataset, language),
        "description": dataset.title.of(language),
        "main_dttm_col": dataset.time,
        "catalog": None,
        "schema": "main",
        "sql": None,
        "filter_select_enabled": True,
        "normalize_columns": False,
        "always_filter_main_dttm": False,
        "offset": 0,
        "cache_timeout": None,
        "columns": columns,
        "metrics": [
            {
                "metric_name": name,
                "verbose_name": source.labels[name],
                "expression": marts.sql_of(source.metrics, name),
                "d3format": metric.format,
                "metric_type": None,
                "description": None,
                "extra": {},
            }
            for name, metric in source.metrics.items()
        ],
        "uuid": named("dataset", language, dataset.name),
        "database_uuid": named("database", DATABASE),
    }


def _column(name: str, label: str, data_type: str) -> dict[str, Any]:
    return {
        "column_name": name,
        "verbose_name": label,
        "type": data_type,
        "is_dttm": data_type in ("DATE", "TIMESTAMP"),
        "is_active": True,
        "groupby": True,
        "filterable": True,
        "expression": None,
        "description": None,
        "python_date_format": None,
        "extra": {},
    }


def _chart(dashboard: Dashboard, name: str, chart: Chart, source: kinds.Source) -> dict[str, Any]:
    data = kinds.form_data(chart, source)
    return {
        **_VERSION,
        "slice_name": chart.title.of(source.language),
        "viz_type": data["viz_type"],
        "description": chart.note.of(source.language) if chart.note else None,
        "params": data,
        "query_context": None,
        "cache_timeout": None,
        "uuid": named("chart", source.language, dashboard.name, name),
        "dataset_uuid": named("dataset", source.language, source.dataset.name),
    }


def _dashboard(dashboard: Dashboard, language: Language, declarations: Declarations) -> dict[str, Any]:
    numbers = {name: number for number, (name, _) in enumerate(dashboard.charts(), start=1)}
    filters = [
        _filter(name, declarations.filters[name], dashboard, numbers, language, declarations)
        for name in dashboard.filters
    ]
    return {
        **_VERSION,
        "dashboard_title": dashboard.title.of(language),
        "description": dashboard.about.of(language),
        "slug": _slug(dashboard, language),
        "css": f"{_CSS}\n{_NO_CLEARING}" if any(each["requiredFirst"] for each in filters) else _CSS,
        "published": True,
        "uuid": named("dashboard", language, dashboard.name),
        "position": _position(dashboard, language, numbers),
        "metadata": {
            "native_filter_configuration": filters,
            "filter_bar_orientation": "HORIZONTAL",
            "cross_filters_enabled": True,
            "global_chart_configuration": {
                "scope": {
                    "rootPath": ["ROOT_ID"],
                    "excluded": [
                        numbers[name] for name, chart in dashboard.charts() if CLICKS in chart.ignores
                    ],
                }
            },
            "chart_configuration": {},
            "color_scheme": "wangting",
            "label_colors": {},
            "shared_label_colors": [],
            "refresh_frequency": 0,
            "timed_refresh_immune_slices": [],
            "expanded_slices": {},
        },
    }


def _filter(
    name: str,
    declared: Filter,
    dashboard: Dashboard,
    numbers: dict[str, int],
    language: Language,
    declarations: Declarations,
) -> dict[str, Any]:
    english = language == "en" and bool(english_of(declarations, declared.column))
    order = (declared.order or declared.column).removeprefix("-")
    excluded = [numbers[chart] for chart, about in dashboard.charts() if name in about.ignores]
    first = declared.default == "first"
    return {
        "id": f"NATIVE_FILTER-{name}",
        "name": declared.title.of(language),
        "description": "",
        "type": "NATIVE_FILTER",
        "filterType": "filter_select",
        "targets": [
            {
                "datasetUuid": named("dataset", language, declared.dataset),
                "column": {"name": f"{declared.column}_en" if english else declared.column},
            }
        ],
        # Nothing is no choice.
        "adhoc_filters": [
            {
                "expressionType": "SQL",
                "clause": "WHERE",
                "sqlExpression": f"{declared.column} is not null",
            }
        ],
        "sortMetric": order if order != declared.column else None,
        "controlValues": {
            "sortAscending": not (declared.order or "").startswith("-"),
            "multiSelect": False,
            "enableEmptyFilter": first,
            "defaultToFirstItem": first,
            "searchAllOptions": False,
            "inverseSelection": False,
        },
        "requiredFirst": first,
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [
            f"NATIVE_FILTER-{each}" for each in declared.within if each in dashboard.filters
        ],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": excluded},
    }


def _position(dashboard: Dashboard, language: Language, numbers: dict[str, int]) -> dict[str, Any]:
    place: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": dashboard.title.of(language)}},
    }
    rows = []
    for number, row in enumerate(dashboard.rows, start=1):
        own = f"ROW-{number}"
        rows.append(own)
        if not isinstance(row, dict):
            place[own] = {
                "id": own,
                "type": "HEADER",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID"],
                "meta": {
                    "text": row.heading.of(language),
                    "headerSize": "MEDIUM_HEADER",
                    "background": "BACKGROUND_TRANSPARENT",
                },
            }
            continue
        height = max(chart.height or kinds.HEIGHTS.get(chart.kind, kinds.HEIGHT) for chart in row.values())
        widths = _widths(row)
        charts = []
        for name, chart in row.items():
            charts.append(f"CHART-{name}")
            place[f"CHART-{name}"] = {
                "id": f"CHART-{name}",
                "type": "CHART",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", own],
                "meta": {
                    "chartId": numbers[name],
                    "uuid": named("chart", language, dashboard.name, name),
                    "sliceName": chart.title.of(language),
                    "width": widths[name],
                    "height": height,
                },
            }
        place[own] = {
            "id": own,
            "type": "ROW",
            "children": charts,
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
    place["GRID_ID"] = {"id": "GRID_ID", "type": "GRID", "children": rows, "parents": ["ROOT_ID"]}
    return place


def _widths(row: dict[str, Chart]) -> dict[str, int]:
    """Each chart's columns of twelve: what is said, the rest shared evenly."""
    said = {name: chart.width for name, chart in row.items() if chart.width}
    open_names = [name for name in row if name not in said]
    rest = 12 - sum(said.values())
    return {
        name: said.get(name) or rest // len(open_names) + (open_names.index(name) < rest % len(open_names))
        for name in row
    }
