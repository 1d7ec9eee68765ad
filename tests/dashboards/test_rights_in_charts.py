"""Ways to another county's rows through charts; none leads there, and one's own rows come.

What tells is the case number: it is in no request, so a foreign one in an answer came out of the warehouse.
"""

import json
from typing import Any

import pytest

from tests.dashboards.conftest import REFUSED, It, rows_of


def _sql_metric(sql: str, label: str = "m") -> dict[str, Any]:
    return {"expressionType": "SQL", "sqlExpression": sql, "label": label}


def _sql_column(sql: str) -> dict[str, Any]:
    return {"expressionType": "SQL", "sqlExpression": sql, "label": "c"}


def test_a_chart_has_our_rows_and_no_others(it: It) -> None:
    it.only_ours(it.county.chart_data(it.ids["fct_cases"], columns=["case_no"]))


def test_the_city_sees_every_row(it: It) -> None:
    assert (
        it.seen(it.superset.log_in("city").chart_data(it.ids["fct_cases"], columns=["case_no"]))
        == it.every_case
    )


def test_a_filter_that_names_another_county_finds_nothing(it: It) -> None:
    named = [{"col": "county_code", "op": "==", "val": it.known.other}]
    assert rows_of(it.county.chart_data(it.ids["fct_cases"], columns=["case_no"], filters=named)) == []


def test_a_filter_that_names_both_counties_finds_ours(it: It) -> None:
    named = [{"col": "county_code", "op": "IN", "val": [it.known.own, it.known.other]}]
    it.only_ours(it.county.chart_data(it.ids["fct_cases"], columns=["case_no"], filters=named))


def test_a_filter_on_rows_without_a_county_finds_nothing(it: It) -> None:
    assert it.known.count("fct_cases", "county_code is null")
    empty = [{"col": "county_code", "op": "IS NULL"}]
    assert rows_of(it.county.chart_data(it.ids["fct_cases"], columns=["case_no"], filters=empty)) == []


@pytest.mark.parametrize(
    "where", ["1 = 1 OR 1 = 1", "county_code <> '' OR true", "TRUE OR county_code IS NULL"]
)
def test_a_condition_of_ones_own_widens_nothing(it: It, where: str) -> None:
    it.only_ours(it.county.chart_data(it.ids["fct_cases"], columns=["case_no"], extras={"where": where}))


@pytest.mark.parametrize("where", ["1 = 1) OR (1 = 1", "1=1)) OR ((1=1", "1=1 --", "1=1 /*"])
def test_a_condition_that_closes_the_bracket_widens_nothing(it: It, where: str) -> None:
    assert (
        it.seen(it.county.chart_data(it.ids["fct_cases"], columns=["case_no"], extras={"where": where}))
        <= it.ours
    )


def test_a_condition_on_groups_widens_nothing(it: It) -> None:
    it.only_ours(
        it.county.chart_data(
            it.ids["fct_cases"],
            columns=["case_no"],
            metrics=["rows"],
            extras={"having": "count(*) > 0 OR true"},
        )
    )


@pytest.mark.parametrize(
    "sql",
    [
        "(SELECT string_agg(case_no, ' ') FROM fct_cases)",
        "(SELECT string_agg(case_no, ' ') FROM main.fct_cases AS fct_cases)",
        "(SELECT string_agg(case_no, ' ') FROM marts.main.fct_cases)",
    ],
)
def test_a_column_in_sql_reads_no_otherrows_of(it: It, sql: str) -> None:
    assert it.seen(it.county.chart_data(it.ids["fct_cases"], columns=[_sql_column(sql)])) <= it.ours


def test_a_metric_in_sql_counts_ourrows_of(it: It) -> None:
    answer = it.county.chart_data(
        it.ids["fct_cases"], metrics=[_sql_metric("count(*)"), _sql_metric("string_agg(case_no, ' ')", "n")]
    )
    assert rows_of(answer)[0]["m"] == len(it.ours)
    it.only_ours(answer)


def test_a_metric_in_sql_reads_no_otherrows_of(it: It) -> None:
    metric = _sql_metric("max((SELECT string_agg(case_no, ' ') FROM main.fct_cases))")
    assert it.seen(it.county.chart_data(it.ids["fct_cases"], metrics=[metric])) <= it.ours


def test_an_order_in_sql_brings_no_otherrows_of(it: It) -> None:
    order = [[_sql_metric("(SELECT count(*) FROM main.fct_cases)"), True]]
    assert (
        it.seen(
            it.county.chart_data(it.ids["fct_cases"], columns=["case_no"], metrics=["rows"], orderby=order)
        )
        <= it.ours
    )


def test_an_ad_hoc_filter_in_sql_widens_nothing(it: It) -> None:
    form = {
        "viz_type": "table",
        "datasource": f"{it.ids['fct_cases']}__table",
        "adhoc_filters": [
            {"expressionType": "SQL", "clause": "WHERE", "sqlExpression": "1 = 1 OR county_code IS NOT NULL"}
        ],
    }
    it.only_ours(
        it.county.chart_data(
            it.ids["fct_cases"], columns=["case_no"], form_data=form, extras={"where": "(1 = 1 OR true)"}
        )
    )


def test_the_series_that_are_chosen_first_are_ours(it: It) -> None:
    answer = it.county.chart_data(
        it.ids["fct_cases"],
        columns=["county_code", "case_month"],
        series_columns=["county_code"],
        series_limit=5,
        series_limit_metric="rows",
        metrics=["rows"],
    )
    assert {row["county_code"] for row in rows_of(answer)} == {it.known.own}


def test_a_comparison_with_another_time_counts_ourrows_of(it: It) -> None:
    month = {
        "columnType": "BASE_AXIS",
        "timeGrain": "P1M",
        "expressionType": "SQL",
        "sqlExpression": "case_month",
        "label": "case_month",
    }
    answer = it.county.chart_data(
        it.ids["fct_cases"],
        columns=[month],
        metrics=["rows"],
        time_offsets=["1 year ago"],
        filters=[{"col": "case_month", "op": "TEMPORAL_RANGE", "val": "2017-01-01 : 2018-01-01"}],
    )
    shown = sum(row["rows"] or 0 for row in rows_of(answer))
    assert (
        0
        < shown
        == it.known.count("fct_cases", f"county_code = '{it.known.own}' and year(case_month) = 2017")
    )


@pytest.mark.parametrize("result_type", ["samples", "results", "full", "drill_detail"])
def test_every_kind_of_result_has_our_rows_only(it: It, result_type: str) -> None:
    found = it.seen(
        it.county.chart_data(it.ids["fct_cases"], columns=["case_no"], more={"result_type": result_type})
    )
    assert found and found <= it.ours


@pytest.mark.parametrize("result_format", ["csv", "json"])
def test_a_download_has_our_rows_only(it: It, result_format: str) -> None:
    it.only_ours(
        it.county.chart_data(it.ids["fct_cases"], columns=["case_no"], more={"result_format": result_format})
    )


@pytest.mark.parametrize("table", ["fct_open_cases", "dim_persons"])
def test_a_chart_on_a_dataset_of_others_is_refused(it: It, table: str) -> None:
    assert it.county.chart_data(it.ids[table], metrics=["rows"]).status_code == 403


def test_a_dashboard_that_one_may_not_see_opens_no_dataset(it: It) -> None:
    board = next(
        each["id"] for each in it.admin.get("/api/v1/dashboard/").json()["result"] if each["slug"] == "people"
    )
    chart = next(
        each["id"]
        for each in it.admin.get("/api/v1/chart/").json()["result"]
        if "dim_persons" in each["slice_name"]
    )
    for form in (
        {"dashboardId": board, "slice_id": chart},
        {"dashboardId": board, "type": "NATIVE_FILTER", "native_filter_id": "x"},
        {"dashboardId": board},
    ):
        assert (
            it.county.chart_data(it.ids["dim_persons"], metrics=["rows"], form_data=form).status_code == 403
        )


def test_an_annotation_layer_brings_no_dataset_of_others(it: It) -> None:
    chart = next(
        each["id"]
        for each in it.admin.get("/api/v1/chart/").json()["result"]
        if "dim_persons" in each["slice_name"]
    )
    layer = {
        "name": "x",
        "value": chart,
        "sourceType": "table",
        "annotationType": "EVENT",
        "show": True,
        "style": "solid",
        "overrides": {},
    }
    answer = it.county.chart_data(it.ids["fct_cases"], metrics=["rows"], annotation_layers=[layer])
    notes = answer.json()["result"][0].get("annotation_data") if answer.status_code == 200 else None
    assert not notes or not any(value.get("records") for value in notes.values())


def test_drilling_to_detail_shows_ourrows_of(it: It) -> None:
    answer = it.county.post(
        f"/datasource/samples?force=false&datasource_type=table&datasource_id={it.ids['fct_cases']}&per_page=1000&page=1",
        {"filters": [{"col": "county_code", "op": "IS NOT NULL"}]},
    )
    it.only_ours(answer, whole=False)


def test_drilling_into_a_dataset_of_others_is_refused(it: It) -> None:
    it.nothing(
        it.county.post(
            f"/datasource/samples?datasource_type=table&datasource_id={it.ids['dim_persons']}&per_page=50&page=1",
            {},
        )
    )


def test_the_values_that_a_filter_offers_are_ours(it: It) -> None:
    it.only_ours(it.county.get(f"/api/v1/datasource/table/{it.ids['fct_cases']}/column/case_no/values/"))
    counties = it.county.get(f"/api/v1/datasource/table/{it.ids['fct_cases']}/column/county_code/values/")
    assert counties.json()["result"] == [it.known.own]


def test_the_values_of_a_dataset_of_others_are_refused(it: It) -> None:
    assert it.county.get(
        f"/api/v1/datasource/table/{it.ids['dim_persons']}/column/person_key/values/"
    ).status_code in (403, 404)


def test_the_old_way_of_charts_has_our_rows_only(it: It) -> None:
    form = {
        "viz_type": "table",
        "datasource": f"{it.ids['fct_cases']}__table",
        "query_mode": "raw",
        "all_columns": ["case_no"],
        "groupby": ["case_no"],
        "metrics": ["rows"],
        "row_limit": 10000,
    }
    answer = it.county.http.post("/superset/explore_json/", data={"form_data": json.dumps(form)})
    assert it.seen(answer) <= it.ours
    form["datasource"] = f"{it.ids['dim_persons']}__table"
    assert (
        it.county.http.post("/superset/explore_json/", data={"form_data": json.dumps(form)}).status_code
        in REFUSED
    )


def test_the_old_way_of_queries_has_our_rows_only(it: It) -> None:
    context = {
        "datasource": {"id": it.ids["fct_cases"], "type": "table"},
        "queries": [{"columns": ["case_no"], "metrics": [], "row_limit": 10000}],
        "result_format": "json",
        "result_type": "full",
    }
    assert (
        it.seen(it.county.http.post("/api/v1/query/", data={"query_context": json.dumps(context)})) <= it.ours
    )


def test_a_chart_of_ones_own_has_our_rows_only(it: It) -> None:
    context = {
        "datasource": {"id": it.ids["fct_cases"], "type": "table"},
        "force": True,
        "queries": [{"columns": ["case_no"], "metrics": [], "row_limit": 10000}],
        "result_format": "json",
        "result_type": "full",
    }
    made = it.county.post(
        "/api/v1/chart/",
        {
            "slice_name": "mine",
            "viz_type": "table",
            "datasource_id": it.ids["fct_cases"],
            "datasource_type": "table",
            "params": "{}",
            "query_context": json.dumps(context),
        },
    )
    assert made.status_code == 201, made.text
    it.only_ours(it.county.get(f"/api/v1/chart/{made.json()['id']}/data/"))


def test_a_chart_of_ones_own_on_a_dataset_of_others_is_refused(it: It) -> None:
    body = {
        "slice_name": "theirs",
        "viz_type": "table",
        "datasource_id": it.ids["dim_persons"],
        "datasource_type": "table",
    }
    made = it.county.post("/api/v1/chart/", body)
    if (
        made.status_code == 201
    ):  # Superset lets anybody name a dataset; what counts is that nothing comes of it
        assert (
            it.county.chart_data(
                it.ids["dim_persons"], metrics=["rows"], form_data={"slice_id": made.json()["id"]}
            ).status_code
            == 403
        )
    else:
        it.nothing(made)
