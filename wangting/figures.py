"""A published figure and its proof: value, counts, targets, standing, definition, and the rows behind it.

Reads the current release only. Rates are computed here from exact counts and never stored.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
from sqlalchemy import select

from wangting import engine, figure_rows, ledger
from wangting.errors import WangtingError
from wangting.publish import require_release

SUBJECTS = {"licence": "行政许可", "public_service": "公共服务", "all": "不分类别"}
NOTHING = "无业务"
NO_FIGURE = "没有分母数字"


@dataclass(frozen=True)
class Question:
    """Which cell of the metric table is asked for.

    Attributes:
        period: '2017-11', '2017-Q4', '2017-H2', '2017', '2017-01..2017-11', '..2017-11' (twelve months); None: January
            to the newest month.
        scope_kind: city, level, region, unit, theme or channel.
        scope_code: its code; None for the city.
        subject: licence, public_service or all; None: the metric's own.
        variant: None: the official one.
    """

    metric: str
    period: str | None = None
    scope_kind: str = "city"
    scope_code: str | None = None
    subject: str | None = None
    variant: str | None = None


def rate(numerator: int | None, denominator: int | None) -> str:
    """A share in percent with two digits, half up, or 「无业务」 where nothing was counted."""
    if not denominator:
        return NOTHING
    exact = Decimal(numerator or 0) * 100 / Decimal(denominator)
    return f"{exact.quantize(Decimal('0.01'), rounding='ROUND_HALF_UP')} %"


def value(definition: dict[str, Any], numerator: int | None, denominator: int | None) -> str:
    """A figure as people read it: a number of things, a share in percent, or a mean; in words where there is none."""
    if definition["kind"] == "count":
        return str(numerator or 0)
    if definition["kind"] == "ratio" and not denominator:
        return NO_FIGURE
    if definition["kind"] == "mean" and denominator:
        exact = Decimal(numerator or 0) / Decimal(denominator)
        return str(exact.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP"))
    return rate(numerator, denominator)


def _definition(con: duckdb.DuckDBPyConnection, question: Question) -> dict[str, Any]:
    metrics = figure_rows.rows_of(con, "select * from dim_metrics where metric_code = ?", [question.metric])
    if not metrics:
        known = "、".join(
            row["metric_code"]
            for row in figure_rows.rows_of(con, "select distinct metric_code from dim_metrics order by 1")
        )
        raise WangtingError(f"没有指标 {question.metric}", place="指标代码", mend=f"可用的指标：{known}")
    chosen = [
        row
        for row in metrics
        if (row["is_official"] if question.variant is None else row["variant"] == question.variant)
    ]
    if not chosen:
        variants = "、".join(row["variant"] for row in metrics)
        raise WangtingError(
            f"指标 {question.metric} 没有口径 {question.variant}",
            place="--variant",
            mend=f"可用的口径：{variants}",
        )
    return max(chosen, key=lambda row: row["valid_from"])


def _period(con: duckdb.DuckDBPyConnection, wanted: str | None) -> dict[str, Any]:
    periods = figure_rows.rows_of(con, "select * from dim_periods order by period_end")
    if wanted is None:
        return [row for row in periods if row["period_kind"] == "ytd"][-1]
    for row in periods:
        if row["period"] == wanted:
            return row
    raise WangtingError(
        f"没有期间 {wanted} 的数据",
        place="--period",
        mend="写作 2017-11、2017-Q4、2017-H2、2017、2017-01..2017-11 或 ..2017-11，且不晚于数据截止日",
    )


def _scope_code(con: duckdb.DuckDBPyConnection, question: Question) -> str:
    if question.scope_code is not None:
        return question.scope_code
    if question.scope_kind != "city":
        raise WangtingError("没有说明是哪一个", place=f"--{question.scope_kind}", mend="写上代码")
    found = con.execute(
        "select any_value(region_code) from dim_regions where region_level = 'city'"
    ).fetchone()
    return str(found[0]) if found else ""


def _cell(con: duckdb.DuckDBPyConnection, question: Question) -> figure_rows.Cell:
    """The cell that the question asks for.

    Raises:
        WangtingError: metric, variant, period, scope or subject does not exist, or the metric is not counted so.
    """
    definition = _definition(con, question)
    kinds = {
        row["scope_kind"]
        for row in figure_rows.rows_of(
            con, "select scope_kind from dim_metric_scopes where grain = ?", [definition["grain"]]
        )
    }
    if question.scope_kind not in kinds:
        raise WangtingError(
            f"{definition['metric_name']}不按这一范围统计",
            place=f"--{question.scope_kind}",
            mend=f"可用 {'、'.join(sorted(kinds))}",
        )
    subject = question.subject or definition["default_subject"]
    if (subject == "all") != (definition["default_subject"] == "all") or subject not in SUBJECTS:
        raise WangtingError(
            f"{definition['metric_name']}没有 {subject} 这一类",
            place="--subject",
            mend=f"不写，或写 {definition['default_subject']}",
        )
    period, code = _period(con, question.period), _scope_code(con, question)
    return figure_rows.Cell(definition, period, question.scope_kind, code, subject)


def answer(question: Question) -> dict[str, Any]:
    """The figure: definition, period, scope, counts, value, its place among its equals and its change, and every plan's
    target that applies to the cell.

    Raises:
        WangtingError: nothing is published, or metric, variant, period or scope does not exist.
    """
    con = engine.connect(require_release(), read_only=True)
    try:
        cell = _cell(con, question)
        definition, period, code = cell.definition, cell.period, cell.scope_code
        held = period
        if definition["period_rule"] != "flow" and period["period_kind"] == "rolling":
            # As things stand at the end of twelve months is as they stand at the end of the last.
            held = _period(con, period["period"].removeprefix(".."))
        key = [definition["metric_code"], definition["variant"], cell.subject, held["period_kind"]]
        key += [held["period"], cell.scope_kind, code]
        where = """where metric_code = ? and variant = ? and subject = ? and period_kind = ? and period = ?
            and scope_kind = ? and scope_code = ?"""
        found = figure_rows.rows_of(
            con,
            f"select numerator, denominator, unknown_count, abandoned_count from metric_values {where}",
            key,
        )
        counts = (
            found[0]
            if found
            else {"numerator": 0, "denominator": 0, "unknown_count": 0, "abandoned_count": 0}
        )
        targets = figure_rows.rows_of(
            con,
            f"""
            select plan_code, plan_year, plan_level_name, comparator, target_value, gap_points, shortfall_count, is_met,
                clause, is_aspirational
            from metric_attainments {where} order by plan_code, plan_year, plan_level_name
            """,
            key,
        )
        standing = figure_rows.rows_of(
            con,
            f"select place, ranked_count, change_on_period_before, change_on_year_ago from metric_standings {where}",
            key,
        )
        table, coded, named = _NAMES[question.scope_kind]
        name = figure_rows.rows_of(con, f"select {named} as name from {table} where {coded} = ?", [code])
        if not name and not found:
            raise WangtingError(f"没有 {code}", place=f"--{question.scope_kind}", mend="核对代码")
    finally:
        con.close()
    nowhere = {
        "place": None,
        "ranked_count": None,
        "change_on_period_before": None,
        "change_on_year_ago": None,
    }
    return {
        "metric": definition["metric_code"],
        "name": definition["metric_name"],
        "variant": definition["variant"],
        "definition_version": definition["definition_version"],
        "clause": definition["clause"],
        "counts": definition["grain"],
        "kind": definition["kind"],
        "grain_name": definition["grain_name"],
        "counted": definition["counted"],
        "notes": definition["notes"],
        "period_kind": period["period_kind"],
        "period": period["period"],
        "period_start": period["period_start"],
        "period_end": period["period_end"],
        "state_on": period["state_on"],
        "scope_kind": question.scope_kind,
        "scope_code": code,
        "scope_name": name[0]["name"] if name else code,
        "subject": cell.subject,
        **counts,
        "value": value(definition, counts["numerator"], counts["denominator"]),
        **(standing[0] if standing else nowhere),
        "targets": targets,
    }


def every(period: str | None, scope_kind: str, scope_code: str | None) -> list[dict[str, Any]]:
    """The figures of all metrics that are counted in a scope, each as `answer`, by code.

    Raises:
        WangtingError: as `answer`.
    """
    con = engine.connect(require_release(), read_only=True)
    try:
        metrics = figure_rows.rows_of(
            con,
            """
            select distinct metrics.metric_code
            from dim_metrics as metrics
            inner join dim_metric_scopes as scopes on metrics.grain = scopes.grain
            where metrics.is_official and scopes.scope_kind = ?
            order by metrics.metric_code
            """,
            [scope_kind],
        )
    finally:
        con.close()
    return [answer(Question(row["metric_code"], period, scope_kind, scope_code)) for row in metrics]


def proof(question: Question) -> dict[str, Any]:
    """What is behind a figure.

    rows: every thing of its denominator once (of a ratio to an outside figure: of its numerator), each marked whether
    it is in the numerator; cases with item, unit, channel, visits, times, result; other things with their own columns.
    loads: the loads that brought the records which decide the figure (load_id, source, table, loaded_at, rows; the
    id alone where the ledger does not know it). outside: the outside figures that it is divided by.

    Raises:
        WangtingError: as `answer`.
    """
    con = engine.connect(require_release(), read_only=True)
    try:
        cell = _cell(con, question)
        rows, ids = figure_rows.listed(con, cell), figure_rows.loads(con, cell)
        outside = figure_rows.outside(con, cell) if cell.definition["reference_figure"] else []
    finally:
        con.close()
    known = {row["load_id"]: row for row in _loads(ids)}
    return {
        "definition_version": cell.definition["definition_version"],
        "rows": rows,
        "loads": [known.get(load_id, {"load_id": load_id}) for load_id in ids],
        "outside": outside,
    }


def cut(question: Question, by: list[str]) -> list[dict[str, Any]]:
    """The figure for every value of some dimensions (unit, county, region, level, person_theme, legal_theme,
    special_theme, channel, month, and columns of the metric's own fact): the values, numerator, denominator, value;
    `<dimension>_name` of those whose codes have names.

    Raises:
        WangtingError: as `answer`, or the metric cannot be cut so.
    """
    con = engine.connect(require_release(), read_only=True)
    try:
        cell = _cell(con, question)
        rows = figure_rows.cut(con, cell, by)
        for dimension in [each for each in by if each in _NAMES]:
            table, coded, named = _NAMES[dimension]
            called = {
                row["code"]: row["name"]
                for row in figure_rows.rows_of(con, f"select {coded} as code, {named} as name from {table}")
            }
            for row in rows:
                row[f"{dimension}_name"] = called.get(row[dimension])
    finally:
        con.close()
    return [row | {"value": value(cell.definition, row["numerator"], row["denominator"])} for row in rows]


def _loads(ids: list[str]) -> list[dict[str, Any]]:
    """What the ledger knows of some loads."""
    found: list[dict[str, Any]] = []
    about = ledger.loads.c
    for start in range(0, len(ids), 500):
        found += ledger.rows(
            select(about.load_id, about.source, about.table_name, about.loaded_at, about.rows).where(
                about.load_id.in_(ids[start : start + 500])
            )
        )
    return found


# What a code is called: scope or dimension → table, its code, its name.
_REGIONS, _THEMES = ("dim_regions", "region_code", "region_name"), ("dim_themes", "theme_code", "theme_name")
_NAMES = {
    "city": _REGIONS,
    "county": _REGIONS,
    "region": _REGIONS,
    "level": ("dim_levels", "level_code", "level_name"),
    "unit": ("dim_units", "unit_code", "unit_name"),
    "theme": _THEMES,
    "person_theme": _THEMES,
    "legal_theme": _THEMES,
    "special_theme": _THEMES,
    "channel": ("dim_channels", "channel_code", "channel_name"),
}
