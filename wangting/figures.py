"""A published figure and its proof: value, counts, target, definition, and the rows behind it.

Reads the current release only. Rates are computed here from exact counts and never stored.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from wangting import engine
from wangting.errors import WangtingError
from wangting.publish import require_release

SUBJECTS = {"licence": "行政许可", "public_service": "公共服务"}
NOTHING = "无业务"


@dataclass(frozen=True)
class Question:
    """Which cell of the metric table is asked for.

    Attributes:
        period: '2017-11', '2017-Q4', '2017', '2017-01..2017-11'; None: January to the newest month.
        scope_kind: city, level, region, unit, theme or channel.
        scope_code: its code; None for the city.
        variant: None: the official one.
    """

    metric: str
    period: str | None = None
    scope_kind: str = "city"
    scope_code: str | None = None
    subject: str = "licence"
    variant: str | None = None


def rate(numerator: int | None, denominator: int | None) -> str:
    """A share in percent with two digits, half up, or 「无业务」 where nothing was counted."""
    if not denominator:
        return NOTHING
    exact = Decimal(numerator or 0) * 100 / Decimal(denominator)
    return f"{exact.quantize(Decimal('0.01'), rounding='ROUND_HALF_UP')} %"


def _rows(con: duckdb.DuckDBPyConnection, query: str, parameters: list[Any]) -> list[dict[str, Any]]:
    found = con.execute(query, parameters)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _definition(con: duckdb.DuckDBPyConnection, question: Question) -> dict[str, Any]:
    metrics = _rows(con, "select * from dim_metrics where metric_code = ?", [question.metric])
    if not metrics:
        known = "、".join(
            row["metric_code"]
            for row in _rows(con, "select distinct metric_code from dim_metrics order by 1", [])
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
    periods = _rows(con, "select * from dim_periods order by period_end", [])
    if wanted is None:
        return [row for row in periods if row["period_kind"] == "ytd"][-1]
    for row in periods:
        if row["period"] == wanted:
            return row
    raise WangtingError(
        f"没有期间 {wanted} 的数据",
        place="--period",
        mend="写作 2017-11、2017-Q4、2017 或 2017-01..2017-11，且不晚于数据截止日",
    )


def _scope_code(con: duckdb.DuckDBPyConnection, question: Question) -> str:
    if question.scope_code is not None:
        return question.scope_code
    if question.scope_kind != "city":
        raise WangtingError("没有说明是哪一个", place=f"--{question.scope_kind}", mend="写上代码")
    found = con.execute(
        "select any_value(scope_code) from metric_values where scope_kind = 'city'"
    ).fetchone()
    return str(found[0]) if found else ""


def answer(question: Question) -> dict[str, Any]:
    """The figure: definition, period, scope, counts, value and every plan's target that applies to the cell.

    Raises:
        WangtingError: nothing is published, or metric, variant, period or scope does not exist.
    """
    con = engine.connect(require_release(), read_only=True)
    try:
        definition = _definition(con, question)
        period = _period(con, question.period)
        code = _scope_code(con, question)
        cell = [definition["metric_code"], definition["variant"], question.subject, period["period_kind"]]
        cell += [period["period"], question.scope_kind, code]
        found = _rows(
            con,
            """
            select numerator, denominator, unknown_count, abandoned_count from metric_values
            where metric_code = ? and variant = ? and subject = ? and period_kind = ? and period = ?
                and scope_kind = ? and scope_code = ?
            """,
            cell,
        )
        counts = (
            found[0]
            if found
            else {"numerator": 0, "denominator": 0, "unknown_count": 0, "abandoned_count": 0}
        )
        targets = _rows(
            con,
            """
            select plan_code, plan_year, plan_level_name, comparator, target_value, gap_points, shortfall_count, is_met,
                clause, is_aspirational
            from metric_attainments
            where metric_code = ? and variant = ? and 'licence' = ? and period_kind = ? and period = ?
                and scope_kind = ? and scope_code = ?
            order by plan_code, plan_year
            """,
            cell,
        )
        name = _rows(con, _NAMES[question.scope_kind], [code])
        if not name and not found:
            raise WangtingError(f"没有 {code}", place=f"--{question.scope_kind}", mend="核对代码")
    finally:
        con.close()
    is_count = definition["kind"] == "count"
    value = str(counts["numerator"]) if is_count else rate(counts["numerator"], counts["denominator"])
    return {
        "metric": definition["metric_code"],
        "name": definition["metric_name"],
        "variant": definition["variant"],
        "definition_version": definition["definition_version"],
        "clause": definition["clause"],
        "counts": definition["grain"],
        "notes": definition["notes"],
        "period_kind": period["period_kind"],
        "period": period["period"],
        "period_start": period["period_start"],
        "period_end": period["period_end"],
        "state_on": period["state_on"],
        "scope_kind": question.scope_kind,
        "scope_code": code,
        "scope_name": name[0]["name"] if name else code,
        "subject": question.subject,
        **counts,
        "value": value,
        "targets": targets,
    }


def proof(question: Question) -> list[dict[str, Any]]:
    """The rows behind a figure: every row of its denominator, each marked whether it is in the numerator.

    Cases: case_no, item, unit, channel, visits, times, result; items: code, version, unit, depth, visits.

    Raises:
        WangtingError: as `answer`.
    """
    con = engine.connect(require_release(), read_only=True)
    try:
        definition = _definition(con, question)
        period = _period(con, question.period)
        ways = _rows(
            con,
            "select code_expression, scope_condition from dim_metric_scopes where grain = ? and scope_kind = ?",
            [definition["grain"], question.scope_kind],
        )
        code = engine.literal(_scope_code(con, question))
        scope = " or ".join(
            f"({way['scope_condition']} and {way['code_expression']} = {code})" for way in ways
        )
        if not ways:
            raise WangtingError(
                f"指标 {question.metric} 不按这一范围统计", place=question.scope_kind, mend="换一个范围"
            )
        is_case = definition["grain"] == "case"
        query = _CASES if is_case else _ITEMS
        span = [period["period_start"], period["state_on"]] if is_case else [period["state_on"]]
        return _rows(
            con,
            query.format(
                population=definition["population_condition"],
                numerator=definition["numerator_condition"],
                scope=scope,
                keeps_links="true" if question.scope_kind == "unit" else "false",
            ),
            [question.subject, *span],
        )
    finally:
        con.close()


_NAMES = {
    "city": "select region_name as name from dim_regions where region_code = ?",
    "level": "select level_name as name from dim_levels where level_code = ?",
    "region": "select region_name as name from dim_regions where region_code = ?",
    "unit": "select unit_name as name from dim_units where unit_code = ?",
    "theme": "select theme_name as name from dim_themes where theme_code = ?",
    "channel": "select channel_name as name from dim_channels where channel_code = ?",
}

# In a total that holds several cases of one chain (转报), the original stands for the chain: see the metric models.
_CASES = """
    with recursive up as (
        select case_no, origin_case_no as root, 1 as depth from fct_cases where origin_case_no is not null
        union all
        select up.case_no, fct_cases.origin_case_no, up.depth + 1
        from up join fct_cases on fct_cases.case_no = up.root
        where fct_cases.origin_case_no is not null and up.depth < 5
    ),
    roots as (select case_no, max_by(root, depth) as root from up group by case_no),
    cell as (
        select fct_cases.*, coalesce(roots.root, fct_cases.case_no) as root
        from fct_cases left join roots using (case_no)
        where is_business_volume and subject = ? and closed_month between ? and ? and ({scope})
    ),
    counted as (
        select *, row_number() over (
            partition by root order by case_no <> root, applied_at nulls last, case_no) as place
        from cell
    )
    select case_no, ({numerator}) as is_in_numerator, source, item_code, item_version, unit_code, channel_code,
        visit_count, applied_at, accepted_at, closed_at, closing_result
    from counted where ({keeps_links} or place = 1) and ({population})
    order by closed_at, case_no
"""
_ITEMS = """
    select item_code, ({numerator}) as is_in_numerator, item_version, unit_code, online_depth, visit_limit, is_settled
    from fct_item_months
    where subject = ? and item_month = date_trunc('month', cast(? as date))
        and ({population}) and ({scope})
    order by item_code
"""
