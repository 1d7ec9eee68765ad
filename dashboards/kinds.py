"""From a chart as declared to Superset's form data, and what each kind of chart takes where nothing is said."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards import cards, marts
from dashboards.declared import Chart, Dataset, Language, Metric

GOOD, BAD = "#2e8b57", "#c8342b"
# Behind a number, so that the number can be read.
_PALE = {GOOD: "#d3ebdd", BAD: "#f7d9d6"}
NOTHING = {"zh": "无业务", "en": "No cases"}
_VIZ = {
    "cards": "table",
    "big_number": "big_number_total",
    "line": "echarts_timeseries_line",
    "area": "echarts_area",
    "bar": "echarts_timeseries_bar",
    "pie": "pie",
    "heatmap": "heatmap_v2",
    "table": "table",
    "list": "table",
}
# Rows of the grid, eight pixels each.
HEIGHTS = {"cards": 44, "big_number": 22, "list": 62}
HEIGHT = 50
_CONDITION = re.compile(r"^\s*(>=|<=|>|<|=)\s*(-?\d+(?:\.\d+)?)\s*$")
_OPERATORS = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "=": "="}


@dataclass(frozen=True)
class Source:
    """A dataset as a chart in one language reads it.

    Attributes:
        metrics: all of its metrics. labels: column or metric → what it is called. shown: column → the column that
            stands for it in this language. numbers: columns of numbers with a point. dates: of days.
    """

    dataset: Dataset
    language: Language
    metrics: Mapping[str, Metric]
    labels: Mapping[str, str]
    shown: Mapping[str, str]
    numbers: frozenset[str]
    dates: frozenset[str]

    def column(self, name: str) -> str:
        """The column that stands for `name` in this language."""
        return self.shown.get(name, name)


def form_data(chart: Chart, source: Source) -> dict[str, Any]:
    """A chart's form data, without its dataset's number."""
    data: dict[str, Any] = {
        "viz_type": _VIZ[chart.kind],
        "adhoc_filters": [_sql_filter(chart.where)] if chart.where else [],
        "row_limit": chart.limit or (1000 if chart.kind == "list" else 10000),
        "color_scheme": "wangting",
        "extra_form_data": {},
    }
    by = [source.column(name) for name in chart.by]
    fill = {
        "cards": _cards,
        "table": _table,
        "list": _list,
        "heatmap": _heatmap,
        "pie": _pie,
        "big_number": _big_number,
    }.get(chart.kind, _series)
    return {**data, **fill(chart, source, by)}


def _sql_filter(condition: str) -> dict[str, Any]:
    return {"expressionType": "SQL", "clause": "WHERE", "sqlExpression": condition}


def _metric(name: str, label: str, sql: str) -> dict[str, Any]:
    return {
        "expressionType": "SQL",
        "sqlExpression": sql,
        "label": label,
        "hasCustomLabel": True,
        "optionName": f"metric_{name}",
    }


def _format(chart: Chart, source: Source) -> str:
    formats = [source.metrics[name].format for name in chart.metrics]
    return formats[0] if formats else ",d"


def _sorted(chart: Chart, source: Source) -> dict[str, Any]:
    """What a table of groups is sorted by: one column or metric."""
    if not chart.order:
        return {"order_desc": True}
    name = chart.order[0].removeprefix("-")
    falls = chart.order[0].startswith("-")
    if name in source.metrics:
        return {"timeseries_limit_metric": name, "order_desc": falls}
    of = "max" if falls else "min"
    return {"timeseries_limit_metric": _metric(name, name, f"{of}({name})"), "order_desc": falls}


def _colours(chart: Chart, source: Source, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Conditional colours: behind the cells of a table, of a big number itself."""
    found = []
    for colour, conditions in ((GOOD, chart.good), (BAD, chart.bad)):
        for name, condition in conditions.items():
            operator, value = _condition(condition)
            if name in source.metrics and source.metrics[name].of:
                continue  # written into the share's own text
            found.append(
                {
                    "column": names.get(name, name),
                    "colorScheme": colour if chart.kind == "big_number" else _PALE[colour],
                    "operator": _OPERATORS[operator],
                    "targetValue": value,
                    "useGradient": False,
                }
            )
    return found


def _condition(text: str) -> tuple[str, float]:
    match = _CONDITION.match(text)
    assert match, text  # dashboards.check has looked
    return match[1], float(match[2])


def readable(condition: str) -> bool:
    """Whether a condition of `good` or `bad` can be read."""
    return _CONDITION.match(condition) is not None


def _share(name: str, chart: Chart, source: Source) -> dict[str, Any]:
    """A share as text: two digits, 「无业务」 where there is no denominator, in colour where the chart says when."""
    value = marts.sql_of(source.metrics, name)
    digits = max(int((re.search(r"\.(\d)", source.metrics[name].format) or ["", "2"])[1]), 0)
    text = f"format('{{:.{digits}f}}\u00a0%', 100.0 * ({value}))"
    cases = "".join(
        f" when ({value}) {condition} then concat('<span style=\"color:{colour}\">', {text}, '</span>')"
        for colour, conditions in ((GOOD, chart.good), (BAD, chart.bad))
        for condition in [conditions.get(name)]
        if condition
    )
    sql = f"case when ({value}) is null then '{NOTHING[source.language]}'{cases} else {text} end"
    return _metric(name, source.labels[name], sql)


def _table(chart: Chart, source: Source, by: list[str]) -> dict[str, Any]:
    shares = {name for name in chart.metrics if source.metrics[name].of}
    metrics = [_share(name, chart, source) if name in shares else name for name in chart.metrics]
    columns = {
        name: {"d3NumberFormat": source.metrics[name].format} for name in chart.metrics if name not in shares
    }
    columns |= {source.labels[name]: {"horizontalAlign": "right"} for name in shares}
    columns |= {name: _DAY for name in by if name in source.dates}
    return {
        "query_mode": "aggregate",
        "groupby": by,
        "metrics": metrics,
        "column_config": columns,
        "conditional_formatting": _colours(chart, source, {}),
        **_sorted(chart, source),
        **_PLAIN_TABLE,
        "page_length": 50 if _MANY & set(chart.by) else 0,
    }


# A city has more of these than anybody reads at once; every row that is drawn costs its time.
_MANY = {"unit_name", "post_code"}
_DAY = {"d3TimeFormat": "%Y-%m-%d"}
_PLAIN_TABLE = {
    "show_cell_bars": False,
    "color_pn": False,
    "align_pn": False,
    "allow_render_html": True,
    "allow_rearrange_columns": False,
    "include_search": False,
    "server_pagination": False,
    "table_timestamp_format": "%Y-%m-%d %H:%M",
    "show_totals": False,
}


def _list(chart: Chart, source: Source, by: list[str]) -> dict[str, Any]:
    columns = [source.column(name) for name in chart.columns]
    formats = {name: {"d3NumberFormat": ",.4~g"} for name in columns if name in source.numbers}
    formats |= {name: _DAY for name in columns if name in source.dates}
    return {
        "query_mode": "raw",
        "all_columns": columns,
        "order_by_cols": [
            json.dumps([source.column(name.removeprefix("-")), not name.startswith("-")])
            for name in chart.order
        ],
        "column_config": formats,
        "conditional_formatting": _colours(chart, source, source.shown),
        **_PLAIN_TABLE,
        "include_search": True,
        "page_length": 20,
    }


def _cards(chart: Chart, source: Source, by: list[str]) -> dict[str, Any]:
    metrics = [
        _metric(code, cards.title(code, source.language), cards.sql(code, source.language))
        for code in chart.figures
    ]
    return {
        "query_mode": "aggregate",
        "groupby": by,
        "metrics": metrics,
        "column_config": {
            cards.title(code, source.language): {"horizontalAlign": "left"} for code in chart.figures
        },
        **_sorted(chart, source),
        **_PLAIN_TABLE,
        "page_length": 0,
    }


def _heatmap(chart: Chart, source: Source, by: list[str]) -> dict[str, Any]:
    return {
        "x_axis": source.column(chart.x or ""),
        "groupby": by[0],
        "metric": chart.metrics[0],
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "alpha_desc",
        "normalize_across": "heatmap",
        "linear_color_scheme": "wangtingBlues",
        "show_legend": True,
        "legend_type": "continuous",
        "show_percentage": False,
        "show_values": "%" in _format(chart, source),
        "y_axis_format": _format(chart, source),
        "left_margin": "auto",
        "bottom_margin": 50,  # what is found automatically cuts the names off
        "value_bounds": [None, None],
        "xscale_interval": -1,
        "yscale_interval": -1,
    }


def _pie(chart: Chart, source: Source, by: list[str]) -> dict[str, Any]:
    return {
        "groupby": by,
        "metric": chart.metrics[0],
        "sort_by_metric": True,
        "donut": True,
        "innerRadius": 45,
        "outerRadius": 70,
        "label_type": "key_percent",
        "number_format": _format(chart, source),
        "show_labels": True,
        "show_labels_threshold": 3,
        "labels_outside": True,
        "label_line": True,
        "show_legend": False,
        "show_total": True,
    }


def _big_number(chart: Chart, source: Source, by: list[str]) -> dict[str, Any]:
    return {
        "metric": chart.metrics[0],
        "y_axis_format": _format(chart, source),
        "header_font_size": 0.4,
        "subtitle": chart.note.of(source.language) if chart.note else "",
        "subtitle_font_size": 0.15,
        "conditional_formatting": _colours(chart, source, {}),
    }


def _series(chart: Chart, source: Source, by: list[str]) -> dict[str, Any]:
    """Lines, areas and bars over a column of words, months or days."""
    x = source.column(chart.x or "")
    order = chart.order[0] if chart.order else (chart.x or "")
    lies = chart.kind == "bar" and bool(chart.order)  # ranked bars lie, so that their names can be read
    # Of months some may go without their name, since one follows from the other.
    in_words = chart.kind == "bar" and not lies and x not in source.dates and not x.endswith("month")
    return {
        "x_axis": x,
        "groupby": by,
        "metrics": chart.metrics,
        "x_axis_sort": order.removeprefix("-") if order.removeprefix("-") in source.metrics else x,
        "x_axis_sort_asc": order.startswith("-") if lies else not order.startswith("-"),
        "x_axis_force_categorical": x not in source.dates,
        "x_axis_time_format": _DAY["d3TimeFormat"],
        **({"xAxisLabelInterval": "0", "xAxisLabelRotation": 30} if in_words else {}),
        "orientation": "horizontal" if lies else "vertical",
        "y_axis_format": _format(chart, source),
        "stack": "Stack" if chart.stacked else None,
        "show_legend": bool(by) or len(chart.metrics) > 1,
        "legendType": "scroll",
        "legendOrientation": "top",
        "markerEnabled": chart.kind == "line",
        "markerSize": 5,
        "rich_tooltip": True,
        "tooltipTimeFormat": "smart_date",
        "truncate_metric": True,
        "truncateYAxis": False,
        "y_axis_bounds": [0, None] if chart.kind != "line" else [None, None],
        "show_value": lies and len(chart.metrics) == 1,
        "sort_series_type": "sum",
        "opacity": 0.3 if chart.kind == "area" else 1,
        "limit": None,
        "order_desc": True,
        **(
            {"timeseries_limit_metric": order.removeprefix("-")}
            if order.removeprefix("-") in source.metrics
            else {}
        ),
    }
