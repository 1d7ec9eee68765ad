"""What dashboards show is what the house says: the board marts against `wangting metric`, each chart's SQL."""

import random

import pytest

from dashboards import cards, declared, kinds, marts
from wangting import engine, figures

DECLARATIONS = declared.read()
METRICS = {name: marts.metrics(dataset) for name, dataset in DECLARATIONS.datasets.items()}
CHARTS = [
    (dashboard.name, name, chart)
    for dashboard in DECLARATIONS.dashboards.values()
    for name, chart in dashboard.charts()
]


@pytest.fixture(scope="module")
def release(released):
    """The current release, open; `wangting.figures` reads the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGTING_HOME", str(released))
        connection = engine.connect(released / "releases/current/marts.duckdb", read_only=True)
        yield connection
        connection.close()


def rows(release, query):
    """A query's rows as dicts."""
    found = release.execute(query)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def asked(row, month):
    """The house's own answer to what a board row says."""
    period = month if row.get("period_kind") == "month" else f"{month[:4]}-01..{month}"
    code = None if row["scope_kind"] == "city" else row["scope_code"]
    return figures.answer(
        figures.Question(row["metric_code"], period, row["scope_kind"], code, variant=row.get("variant"))
    )


def some(found, count=60):
    """So many of the rows, the same ones each time, of every metric one at least."""
    draw = random.Random(7)
    first = {row["metric_code"]: row for row in draw.sample(found, len(found))}
    return [*first.values(), *draw.sample(found, min(count, len(found)))]


def test_a_boards_figure_is_the_metrics(release):
    found = rows(release, "select * from board_figures where scope_kind <> 'theme'")
    for row in some(found):
        answer = asked(row, row["month"])
        assert (row["numerator"], row["place"]) == (answer["numerator"], answer["place"]), row
        if row["kind"] != "count":
            assert row["denominator"] == answer["denominator"], row
        assert row["metric_name"] == answer["name"] and row["scope_name"] == answer["scope_name"]


def test_a_boards_target_and_gap_are_the_metrics(release):
    found = rows(release, "select * from board_attainments where target_value is not null")
    for row in some(found, 40):
        answer = asked(row, row["month"])
        held = [
            each
            for each in answer["targets"]
            if (each["plan_code"], each["target_value"]) == (row["plan_code"], row["target_value"])
        ]
        assert held, (row, answer["targets"])
        assert row["is_met"] in {each["is_met"] for each in held}
        assert row["shortfall_count"] in {each["shortfall_count"] for each in held}


def test_the_case_list_of_a_unit_and_month_has_the_figures_own_cases(release):
    listed = rows(
        release,
        """
        select
            unit_code, month, count(*) as denominator, count_if(applied_online = '是') as online,
            count_if(closed_online = '是') as closed
        from board_cases where is_counted and subject_name = '行政许可' group by all
        """,
    )
    counted = {
        (row["metric_code"], row["scope_code"], row["month"]): (row["numerator"], row["denominator"])
        for row in rows(release, "from board_figures where scope_kind = 'unit' and period_kind = 'month'")
    }
    assert listed
    for row in listed:
        at = (row["unit_code"], row["month"])
        assert counted[("online_application_rate", *at)] == (row["online"], row["denominator"])
        assert counted[("online_closing_rate", *at)] == (row["closed"], row["denominator"])


def test_the_item_list_of_a_month_has_the_figures_own_items(release):
    listed = {
        row["month"]: row
        for row in rows(
            release,
            """
            select month, count(*) as denominator, count_if(full_online = '是') as full_online,
                count_if(visits_zero = '是') as zero
            from board_item_months where is_counted and subject_name = '行政许可' group by all
            """,
        )
    }
    for row in rows(
        release, "select * from board_figures where scope_kind = 'city' and period_kind = 'month'"
    ):
        if row["metric_code"] == "full_online_item_rate":
            mine = listed[row["month"]]
            assert (row["numerator"], row["denominator"]) == (mine["full_online"], mine["denominator"])
        if row["metric_code"] == "visits_zero_rate":
            assert (row["numerator"], row["denominator"]) == (
                listed[row["month"]]["zero"],
                listed[row["month"]]["denominator"],
            )


def test_a_county_that_sees_only_its_rows_is_shown_its_own_figure(release):
    chosen = rows(release, "select * from dim_regions where region_level = 'county' order by region_code")[0]
    for code in ("online_application_rate", "full_online_item_rate"):
        shown = rows(
            release,
            f"""
            select min_by(numerator, breadth) as numerator, min_by(denominator, breadth) as denominator,
                max(month) as month
            from board_figures where county_code = '{chosen["region_code"]}' and metric_code = '{code}'
                and period_kind = 'ytd' and month = (select max(month) from board_figures)
            """,
        )[0]
        period = f"{shown['month'][:4]}-01..{shown['month']}"
        answer = figures.answer(figures.Question(code, period, "region", chosen["region_code"]))
        assert (shown["numerator"], shown["denominator"]) == (answer["numerator"], answer["denominator"])


def test_a_metric_that_comes_from_a_definition_gives_the_metrics_figure(release):
    metrics = METRICS["fct_cases"]
    month, answer = "2017-06", figures.Question("online_application_rate", "2017-06", "level", "municipal")
    found = rows(
        release,
        f"""
        select {marts.sql_of(metrics, "online_application_rate")} as rate,
            {marts.sql_of(metrics, "online_application_rate_denominator")} as denominator
        from fct_cases
        where strftime(closed_month, '%Y-%m') = '{month}' and level_code = 'municipal' and subject = 'licence'
        """,
    )[0]
    said = figures.answer(answer)
    assert found["denominator"] == said["denominator"]
    assert round(found["rate"] * said["denominator"]) == said["numerator"]


@pytest.mark.parametrize(
    ("dashboard", "name", "chart"), CHARTS, ids=[f"{one}-{two}" for one, two, _ in CHARTS]
)
def test_a_charts_sql_runs_and_gives_rows(release, dashboard, name, chart):
    metrics = METRICS[chart.dataset]
    by = [*chart.by, *([chart.x] if chart.x else []), *chart.columns]
    given = [f"{marts.sql_of(metrics, metric)} as m_{metric}" for metric in chart.metrics]
    given += [f"{cards.sql(code, 'zh')} as c_{code}" for code in chart.figures]
    where = f"where {chart.where}" if chart.where else ""
    grouped = f"group by {', '.join(by)}" if by and given else ""
    found = release.execute(
        f"select {', '.join([*by, *given])} from {chart.dataset} {where} {grouped} limit 5"
    ).fetchall()
    # A small city has neither pairs of items nor licences used twice; what is empty there says 「无业务」.
    assert found or chart.dataset in (
        "board_item_pairs",
        "board_repeated_materials",
        "board_renewals",
        "board_items",
        "board_demand",
        "board_bottlenecks",
        "board_alarms",
    )


def test_a_share_without_a_denominator_reads_as_no_business(release):
    source = kinds.Source(
        DECLARATIONS.datasets["board_figures"],
        "zh",
        METRICS["board_figures"],
        {"rate": "比例"},
        {},
        frozenset(),
        frozenset(),
    )
    chart = declared.Chart(
        kind="table",
        dataset="board_figures",
        title="甲 | A",
        by=["unit_name"],
        metrics=["rate", "part", "whole"],
    )
    text = kinds.form_data(chart, source)["metrics"][0]["sqlExpression"]
    found = release.execute(
        f"select {text} from (select 0 as numerator, 0 as denominator, 1 as breadth)"
    ).fetchone()
    assert found == ("无业务",)
    found = release.execute(
        f"select {text} from (select 1 as numerator, 3 as denominator, 1 as breadth)"
    ).fetchone()
    assert found == ("33.33\u00a0%",)  # which no line breaks
