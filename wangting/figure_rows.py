"""The rows behind a published figure, one by one or cut by further dimensions, and the loads that brought them.

Reads the facts of the current release by the definition's own conditions (dim_metrics, dim_metric_scopes), so that a
figure and its proof cannot mean different things.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from wangting import engine
from wangting.errors import WangtingError

# What a grain can be cut by, besides its own columns: dimension → column, where the grain has the scope.
_DIMENSIONS = {
    "unit": ("unit", "unit_code"),
    "county": ("region", "county_code"),
    "region": ("region", "region_code"),
    "level": ("level", "level_code"),
    "person_theme": ("theme", "person_theme_code"),
    "legal_theme": ("theme", "legal_theme_code"),
    "special_theme": ("theme", "special_theme_code"),
    "channel": ("channel", "channel_code"),
}
# What a list shows of each row, besides the thing itself.
_SHOWN = {
    "case": "source item_code item_version unit_code channel_code visit_count applied_at accepted_at closed_at "
    "closing_result",
    "item": "item_version unit_code online_depth visit_limit is_settled system_kind load_id",
    "reply": "origin unit_code begun_at replied_at due_on load_id",
    "page_check": "door item_code unit_code checked_at problem load_id",
    "record": "stage record_key unit_code system_name clock_at due_at acked_at load_id",
    "rating": "case_no unit_code channel_code rating_way score rated_at load_id",
}
# In a total that holds several cases of one chain (转报), the original stands for the chain: see the metric models.
_ROOTS = """
    with recursive up as (
        select case_no, origin_case_no as root, 1 as depth from fct_cases where origin_case_no is not null
        union all
        select up.case_no, fct_cases.origin_case_no, up.depth + 1
        from up join fct_cases on fct_cases.case_no = up.root
        where fct_cases.origin_case_no is not null and up.depth < 5
    ),
    roots as (select case_no, max_by(root, depth) as root from up group by case_no),
    chained as (select case_no, root from roots union select root, root from roots),
"""


@dataclass(frozen=True)
class Cell:
    """One cell of the metric table, found: whose rows are asked for.

    Attributes:
        definition: a row of dim_metrics. period: a row of dim_periods. scope_kind, scope_code, subject: as in
            metric_values.
    """

    definition: dict[str, Any]
    period: dict[str, Any]
    scope_kind: str
    scope_code: str
    subject: str


def rows_of(
    con: duckdb.DuckDBPyConnection, query: str, values: Sequence[object] = ()
) -> list[dict[str, Any]]:
    """The rows of a query as dicts; its question marks stand for texts and days.

    They are written into it: a parameter of DuckDB's imports pandas, which takes longer than most figures.
    """
    texts = [*(engine.literal(each) for each in values), ""]
    found = con.execute("".join(map("".join, zip(query.split("?"), texts, strict=True))))
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def listed(con: duckdb.DuckDBPyConnection, cell: Cell) -> list[dict[str, Any]]:
    """Every thing that the denominator counts (of a ratio to an outside figure: the numerator), once, each marked
    whether it is in the numerator.

    Raises:
        WangtingError: the metric is not counted in such a scope.
    """
    about = cell.definition
    thing = about["thing_column"]
    counted = _counted(con, cell, [])
    if about["distinct_rule"]:
        return rows_of(
            con,
            f"{counted} select thing as {thing}, is_in as is_in_numerator, row_count, load_id from counted order by 1",
        )
    shown = _SHOWN[about["grain"]].replace(" ", ", ")
    order = "closed_at, case_no" if about["grain"] == "case" else thing
    return rows_of(
        con, f"{counted} select {thing}, is_in as is_in_numerator, {shown} from counted order by {order}"
    )


def cut(con: duckdb.DuckDBPyConnection, cell: Cell, by: list[str]) -> list[dict[str, Any]]:
    """The cell's figure for every value of some dimensions: the dimensions, numerator, denominator.

    Chains of cases and distinct things are told apart anew within each group, so that groups need not add up.

    Raises:
        WangtingError: a dimension that the metric's grain has not, or the metric is a ratio to an outside figure.
    """
    about = cell.definition
    columns = [_column(con, cell, name) for name in by]
    if about["reference_figure"]:
        raise WangtingError(
            f"{about['metric_name']}的分母是外部数字，只有全域和县区的",
            place="--by",
            mend="用 --region 看一个县区，或换一个指标",
        )
    names = ", ".join(f"{column} as {name}" for column, name in zip(columns, by, strict=True))
    numerator = "sum(added)" if about["added_column"] else "count_if(is_in)"
    return rows_of(
        con,
        f"{_counted(con, cell, columns)} select {names}, cast({numerator} as bigint) as numerator,"
        " count(*) as denominator from counted group by all order by all",
    )


def loads(con: duckdb.DuckDBPyConnection, cell: Cell) -> list[str]:
    """The ids of all loads that brought a record which decides the cell's figure."""
    about = cell.definition
    condition = f"{_conditions(con, cell)} and {about['population_condition']}"
    if about["grain"] == "case":
        kinds = ("application", "acceptance", "closing", "collection")
        each = ", ".join(f"{kind}_load_id" for kind in kinds)
        query = f"""
            with behind as (
                select distinct {each} from fct_case_loads
                where case_no in (select case_no from fct_cases where {condition})
            )
            select distinct unnest([{each}]) as load_id from behind order by 1"""
    else:
        query = f"select distinct load_id from {about['fact_table']} where {condition} order by 1"
    found = [str(row["load_id"]) for row in rows_of(con, query) if row["load_id"]]
    if about["reference_figure"]:
        found += [str(row["load_id"]) for row in outside(con, cell)]
    return sorted(set(found))


def outside(con: duckdb.DuckDBPyConnection, cell: Cell) -> list[dict[str, Any]]:
    """The outside figure that the cell is divided by: its code, the month it was published for, its value and load."""
    return rows_of(
        con,
        """
        select figure_code, published_month, figure_value, load_id from fct_reference_months
        where figure_code = ? and scope_kind = ? and scope_code = ?
            and figure_month = date_trunc('month', cast(? as date))
        """,
        [
            cell.definition["reference_figure"],
            cell.scope_kind,
            cell.scope_code,
            cell.period["state_on"],
        ],
    )


def dimensions(con: duckdb.DuckDBPyConnection, definition: dict[str, Any]) -> dict[str, str]:
    """What a metric can be cut by: dimension → column of its fact."""
    scopes = {
        row["scope_kind"]
        for row in rows_of(
            con, "select distinct scope_kind from dim_metric_scopes where grain = ?", [definition["grain"]]
        )
    }
    found = {name: column for name, (scope, column) in _DIMENSIONS.items() if scope in scopes}
    if definition["period_rule"] == "flow":
        found["month"] = definition["month_column"]
    return found | {column: column for column in definition["cuts"].split()}


def _column(con: duckdb.DuckDBPyConnection, cell: Cell, name: str) -> str:
    known = dimensions(con, cell.definition)
    if name not in known:
        raise WangtingError(
            f"{cell.definition['metric_name']}不能按 {name} 切分",
            place="--by",
            mend=f"可用 {'、'.join(known)}",
        )
    return known[name]


def _conditions(con: duckdb.DuckDBPyConnection, cell: Cell) -> str:
    """SQL: which rows of the fact lie in the cell's subject, scope and period."""
    about, period = cell.definition, cell.period
    ways = rows_of(
        con,
        "select code_expression, scope_condition from dim_metric_scopes where grain = ? and scope_kind = ?",
        [about["grain"], cell.scope_kind],
    )
    if not ways:
        raise WangtingError(
            f"{about['metric_name']}不按这一范围统计", place=f"--{cell.scope_kind}", mend="换一个范围"
        )
    code = engine.literal(cell.scope_code)
    scope = " or ".join(f"({way['scope_condition']} and {way['code_expression']} = {code})" for way in ways)
    start, end = (f"date '{period[name]}'" for name in ("period_start", "state_on"))
    month = about["month_column"]
    span = {
        "flow": f"{month} between {start} and {end}",
        "state": f"{month} = date_trunc('month', {end})",
        "interval": f"{month} <= {end} and coalesce({about['until_column']} > {end}, true)",
    }[about["period_rule"]]
    return f"subject = {engine.literal(cell.subject)} and {span} and ({scope})"


def _counted(con: duckdb.DuckDBPyConnection, cell: Cell, by: list[str]) -> str:
    """SQL: CTEs that end in `counted`: what the cell counts, with `is_in`; things are told apart within `by`."""
    about = cell.definition
    population, conditions = about["population_condition"], _conditions(con, cell)
    numerator = about["numerator_condition"] or "true"
    added = f", {about['added_column']} as added" if about["added_column"] else ""
    groups = "".join(f"{column}, " for column in dict.fromkeys(by))
    if about["grain"] == "case":
        keeps_links = cell.scope_kind == "unit" or "unit_code" in by
        return f"""{_ROOTS}
            cell as (
                select fct_cases.*, chained.root
                from fct_cases left join chained using (case_no) where is_business_volume and {conditions}
            ),
            placed as (
                select *, 1 as place from cell where root is null
                union all
                select *, {"1" if keeps_links else _place(groups)} as place from cell where root is not null
            ),
            counted as (select *, ({numerator}) as is_in{added} from placed where place = 1 and ({population}))"""
    if not about["distinct_rule"]:
        return f"""with counted as (
            select *, ({numerator}) as is_in{added} from {about["fact_table"]} where {conditions} and ({population})
        )"""
    rule = "bool_and" if about["distinct_rule"] == "every" else "bool_or"
    return f"""with counted as (
        select {groups}{about["thing_column"]} as thing, {rule}({numerator}) as is_in, count(*) as row_count,
            max(load_id) as load_id
        from {about["fact_table"]} where {conditions} and ({population}) group by {groups}thing
    )"""


def _place(groups: str) -> str:
    return f"""row_number() over (
                    partition by {groups}root order by case_no <> root, applied_at nulls last, case_no)"""
