"""Ways to another county's rows through everything that Superset answers; none leads there, and one's own rows come.

What tells is the case number: it is in no request, so a foreign one in an answer came out of the warehouse.
"""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.dashboards.conftest import Known
from tests.dashboards.running import Person, Superset

_REFUSED = {400, 401, 403, 404, 405, 422, 500, 501}


@pytest.fixture(scope="session")
def every_case(known: Known) -> set[str]:
    return known.cases()


@pytest.fixture(scope="session")
def ours(known: Known) -> set[str]:
    found = known.ours
    assert 20 < len(found) < 0.8 * len(known.cases())
    return found


@pytest.fixture
def seen(every_case: set[str]) -> Any:
    """The case numbers in an answer, whatever its form."""

    def look(answer: httpx.Response) -> set[str]:
        return set(re.findall(r"[0-9A-Za-z-]{8,}", answer.text)) & every_case

    return look


@pytest.fixture
def only_ours(seen: Any, ours: set[str]) -> Any:
    """The answer has rows of ours, all of them where `whole`, and none of anybody else's."""

    def judge(answer: httpx.Response, *, whole: bool = True) -> None:
        assert answer.status_code == 200, answer.text[:500]
        found = seen(answer)
        assert found <= ours, f"{len(found - ours)} foreign cases"
        assert found == ours if whole else found, answer.text[:500]

    return judge


@pytest.fixture
def nothing(seen: Any) -> Any:
    """The answer is a refusal, or has no case at all."""

    def judge(answer: httpx.Response) -> None:
        assert not seen(answer)
        assert answer.status_code in _REFUSED, f"{answer.status_code} {answer.text[:300]}"

    return judge


def _rows(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text[:500]
    body = answer.json()
    rows = body["result"][0]["data"] if "result" in body else body["data"]
    assert isinstance(rows, list)
    return rows


def _sql_metric(sql: str, label: str = "m") -> dict[str, Any]:
    return {"expressionType": "SQL", "sqlExpression": sql, "label": label}


def _sql_column(sql: str) -> dict[str, Any]:
    return {"expressionType": "SQL", "sqlExpression": sql, "label": "c"}


# --- charts ---------------------------------------------------------------------------------------------------------


def test_a_chart_has_our_rows_and_no_others(county: Person, ids: dict[str, int], only_ours: Any) -> None:
    only_ours(county.chart_data(ids["fct_cases"], columns=["case_no"]))


def test_the_city_sees_every_row(
    superset: Superset, ids: dict[str, int], seen: Any, every_case: set[str]
) -> None:
    assert seen(superset.log_in("city").chart_data(ids["fct_cases"], columns=["case_no"])) == every_case


def test_a_filter_that_names_another_county_finds_nothing(
    county: Person, ids: dict[str, int], known: Known
) -> None:
    named = [{"col": "county_code", "op": "==", "val": known.other}]
    assert _rows(county.chart_data(ids["fct_cases"], columns=["case_no"], filters=named)) == []


def test_a_filter_that_names_both_counties_finds_ours(
    county: Person, ids: dict[str, int], known: Known, only_ours: Any
) -> None:
    named = [{"col": "county_code", "op": "IN", "val": [known.own, known.other]}]
    only_ours(county.chart_data(ids["fct_cases"], columns=["case_no"], filters=named))


def test_a_filter_on_rows_without_a_county_finds_nothing(
    county: Person, ids: dict[str, int], known: Known
) -> None:
    assert known.count("fct_cases", "county_code is null")
    empty = [{"col": "county_code", "op": "IS NULL"}]
    assert _rows(county.chart_data(ids["fct_cases"], columns=["case_no"], filters=empty)) == []


@pytest.mark.parametrize(
    "where", ["1 = 1 OR 1 = 1", "county_code <> '' OR true", "TRUE OR county_code IS NULL"]
)
def test_a_condition_of_ones_own_widens_nothing(
    county: Person, ids: dict[str, int], only_ours: Any, where: str
) -> None:
    only_ours(county.chart_data(ids["fct_cases"], columns=["case_no"], extras={"where": where}))


@pytest.mark.parametrize("where", ["1 = 1) OR (1 = 1", "1=1)) OR ((1=1", "1=1 --", "1=1 /*"])
def test_a_condition_that_closes_the_bracket_widens_nothing(
    county: Person, ids: dict[str, int], seen: Any, ours: set[str], where: str
) -> None:
    assert seen(county.chart_data(ids["fct_cases"], columns=["case_no"], extras={"where": where})) <= ours


def test_a_condition_on_groups_widens_nothing(county: Person, ids: dict[str, int], only_ours: Any) -> None:
    only_ours(
        county.chart_data(
            ids["fct_cases"], columns=["case_no"], metrics=["rows"], extras={"having": "count(*) > 0 OR true"}
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
def test_a_column_in_sql_reads_no_other_rows(
    county: Person, ids: dict[str, int], seen: Any, ours: set[str], sql: str
) -> None:
    assert seen(county.chart_data(ids["fct_cases"], columns=[_sql_column(sql)])) <= ours


def test_a_metric_in_sql_counts_our_rows(
    county: Person, ids: dict[str, int], ours: set[str], only_ours: Any
) -> None:
    answer = county.chart_data(
        ids["fct_cases"], metrics=[_sql_metric("count(*)"), _sql_metric("string_agg(case_no, ' ')", "n")]
    )
    assert _rows(answer)[0]["m"] == len(ours)
    only_ours(answer)


def test_a_metric_in_sql_reads_no_other_rows(
    county: Person, ids: dict[str, int], seen: Any, ours: set[str]
) -> None:
    metric = _sql_metric("max((SELECT string_agg(case_no, ' ') FROM main.fct_cases))")
    assert seen(county.chart_data(ids["fct_cases"], metrics=[metric])) <= ours


def test_an_order_in_sql_brings_no_other_rows(
    county: Person, ids: dict[str, int], seen: Any, ours: set[str]
) -> None:
    order = [[_sql_metric("(SELECT count(*) FROM main.fct_cases)"), True]]
    assert (
        seen(county.chart_data(ids["fct_cases"], columns=["case_no"], metrics=["rows"], orderby=order))
        <= ours
    )


def test_an_ad_hoc_filter_in_sql_widens_nothing(county: Person, ids: dict[str, int], only_ours: Any) -> None:
    form = {
        "viz_type": "table",
        "datasource": f"{ids['fct_cases']}__table",
        "adhoc_filters": [
            {"expressionType": "SQL", "clause": "WHERE", "sqlExpression": "1 = 1 OR county_code IS NOT NULL"}
        ],
    }
    only_ours(
        county.chart_data(
            ids["fct_cases"], columns=["case_no"], form_data=form, extras={"where": "(1 = 1 OR true)"}
        )
    )


def test_the_series_that_are_chosen_first_are_ours(county: Person, ids: dict[str, int], known: Known) -> None:
    answer = county.chart_data(
        ids["fct_cases"],
        columns=["county_code", "case_month"],
        series_columns=["county_code"],
        series_limit=5,
        series_limit_metric="rows",
        metrics=["rows"],
    )
    assert {row["county_code"] for row in _rows(answer)} == {known.own}


def test_a_comparison_with_another_time_counts_our_rows(
    county: Person, ids: dict[str, int], known: Known
) -> None:
    month = {
        "columnType": "BASE_AXIS",
        "timeGrain": "P1M",
        "expressionType": "SQL",
        "sqlExpression": "case_month",
        "label": "case_month",
    }
    answer = county.chart_data(
        ids["fct_cases"],
        columns=[month],
        metrics=["rows"],
        time_offsets=["1 year ago"],
        filters=[{"col": "case_month", "op": "TEMPORAL_RANGE", "val": "2017-01-01 : 2018-01-01"}],
    )
    shown = sum(row["rows"] or 0 for row in _rows(answer))
    assert 0 < shown == known.count("fct_cases", f"county_code = '{known.own}' and year(case_month) = 2017")


@pytest.mark.parametrize("result_type", ["samples", "results", "full", "drill_detail"])
def test_every_kind_of_result_has_our_rows_only(
    county: Person, ids: dict[str, int], seen: Any, ours: set[str], result_type: str
) -> None:
    found = seen(county.chart_data(ids["fct_cases"], columns=["case_no"], more={"result_type": result_type}))
    assert found and found <= ours


@pytest.mark.parametrize("result_format", ["csv", "json"])
def test_a_download_has_our_rows_only(
    county: Person, ids: dict[str, int], only_ours: Any, result_format: str
) -> None:
    only_ours(county.chart_data(ids["fct_cases"], columns=["case_no"], more={"result_format": result_format}))


@pytest.mark.parametrize("table", ["fct_open_cases", "dim_persons"])
def test_a_chart_on_a_dataset_of_others_is_refused(county: Person, ids: dict[str, int], table: str) -> None:
    assert county.chart_data(ids[table], metrics=["rows"]).status_code == 403


def test_a_dashboard_that_one_may_not_see_opens_no_dataset(
    admin: Person, county: Person, ids: dict[str, int]
) -> None:
    board = next(
        each["id"] for each in admin.get("/api/v1/dashboard/").json()["result"] if each["slug"] == "people"
    )
    chart = next(
        each["id"]
        for each in admin.get("/api/v1/chart/").json()["result"]
        if "dim_persons" in each["slice_name"]
    )
    for form in (
        {"dashboardId": board, "slice_id": chart},
        {"dashboardId": board, "type": "NATIVE_FILTER", "native_filter_id": "x"},
        {"dashboardId": board},
    ):
        assert county.chart_data(ids["dim_persons"], metrics=["rows"], form_data=form).status_code == 403


def test_an_annotation_layer_brings_no_dataset_of_others(
    admin: Person, county: Person, ids: dict[str, int]
) -> None:
    chart = next(
        each["id"]
        for each in admin.get("/api/v1/chart/").json()["result"]
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
    answer = county.chart_data(ids["fct_cases"], metrics=["rows"], annotation_layers=[layer])
    notes = answer.json()["result"][0].get("annotation_data") if answer.status_code == 200 else None
    assert not notes or not any(value.get("records") for value in notes.values())


def test_drilling_to_detail_shows_our_rows(county: Person, ids: dict[str, int], only_ours: Any) -> None:
    answer = county.post(
        f"/datasource/samples?force=false&datasource_type=table&datasource_id={ids['fct_cases']}&per_page=1000&page=1",
        {"filters": [{"col": "county_code", "op": "IS NOT NULL"}]},
    )
    only_ours(answer, whole=False)


def test_drilling_into_a_dataset_of_others_is_refused(
    county: Person, ids: dict[str, int], nothing: Any
) -> None:
    nothing(
        county.post(
            f"/datasource/samples?datasource_type=table&datasource_id={ids['dim_persons']}&per_page=50&page=1",
            {},
        )
    )


def test_the_values_that_a_filter_offers_are_ours(
    county: Person, ids: dict[str, int], only_ours: Any, known: Known
) -> None:
    only_ours(county.get(f"/api/v1/datasource/table/{ids['fct_cases']}/column/case_no/values/"))
    counties = county.get(f"/api/v1/datasource/table/{ids['fct_cases']}/column/county_code/values/")
    assert counties.json()["result"] == [known.own]


def test_the_values_of_a_dataset_of_others_are_refused(county: Person, ids: dict[str, int]) -> None:
    assert county.get(
        f"/api/v1/datasource/table/{ids['dim_persons']}/column/person_key/values/"
    ).status_code in (403, 404)


def test_the_old_way_of_charts_has_our_rows_only(
    county: Person, ids: dict[str, int], seen: Any, ours: set[str]
) -> None:
    form = {
        "viz_type": "table",
        "datasource": f"{ids['fct_cases']}__table",
        "query_mode": "raw",
        "all_columns": ["case_no"],
        "groupby": ["case_no"],
        "metrics": ["rows"],
        "row_limit": 10000,
    }
    answer = county.http.post("/superset/explore_json/", data={"form_data": json.dumps(form)})
    assert seen(answer) <= ours
    form["datasource"] = f"{ids['dim_persons']}__table"
    assert (
        county.http.post("/superset/explore_json/", data={"form_data": json.dumps(form)}).status_code
        in _REFUSED
    )


def test_the_old_way_of_queries_has_our_rows_only(
    county: Person, ids: dict[str, int], seen: Any, ours: set[str]
) -> None:
    context = {
        "datasource": {"id": ids["fct_cases"], "type": "table"},
        "queries": [{"columns": ["case_no"], "metrics": [], "row_limit": 10000}],
        "result_format": "json",
        "result_type": "full",
    }
    assert seen(county.http.post("/api/v1/query/", data={"query_context": json.dumps(context)})) <= ours


def test_a_chart_of_ones_own_has_our_rows_only(county: Person, ids: dict[str, int], only_ours: Any) -> None:
    context = {
        "datasource": {"id": ids["fct_cases"], "type": "table"},
        "force": True,
        "queries": [{"columns": ["case_no"], "metrics": [], "row_limit": 10000}],
        "result_format": "json",
        "result_type": "full",
    }
    made = county.post(
        "/api/v1/chart/",
        {
            "slice_name": "mine",
            "viz_type": "table",
            "datasource_id": ids["fct_cases"],
            "datasource_type": "table",
            "params": "{}",
            "query_context": json.dumps(context),
        },
    )
    assert made.status_code == 201, made.text
    only_ours(county.get(f"/api/v1/chart/{made.json()['id']}/data/"))


def test_a_chart_of_ones_own_on_a_dataset_of_others_is_refused(
    county: Person, ids: dict[str, int], nothing: Any
) -> None:
    body = {
        "slice_name": "theirs",
        "viz_type": "table",
        "datasource_id": ids["dim_persons"],
        "datasource_type": "table",
    }
    made = county.post("/api/v1/chart/", body)
    if (
        made.status_code == 201
    ):  # Superset lets anybody name a dataset; what counts is that nothing comes of it
        assert (
            county.chart_data(
                ids["dim_persons"], metrics=["rows"], form_data={"slice_id": made.json()["id"]}
            ).status_code
            == 403
        )
    else:
        nothing(made)


# --- what others asked ----------------------------------------------------------------------------------------------


def test_what_the_city_has_just_asked_is_not_answered_to_a_county(
    admin: Person,
    superset: Superset,
    county: Person,
    ids: dict[str, int],
    every_case: set[str],
    seen: Any,
    only_ours: Any,
) -> None:
    assert seen(superset.log_in("city").chart_data(ids["fct_cases"], columns=["case_no"])) == every_case
    assert seen(admin.chart_data(ids["fct_cases"], columns=["case_no"])) == every_case
    only_ours(county.chart_data(ids["fct_cases"], columns=["case_no"], more={"force": False}))


def test_two_counties_never_share_a_key_of_the_cache(
    superset: Superset, county: Person, ids: dict[str, int]
) -> None:
    keys = {
        person.chart_data(ids["fct_cases"], columns=["case_no"]).json()["result"][0]["cache_key"]
        for person in (
            county,
            superset.log_in("neighbour"),
            superset.log_in("city"),
            superset.log_in("admin"),
        )
    }
    assert len(keys) == 4


def test_a_result_is_not_handed_out_by_its_key(
    admin: Person, county: Person, ids: dict[str, int], nothing: Any
) -> None:
    key = admin.chart_data(ids["fct_cases"], columns=["case_no"]).json()["result"][0]["cache_key"]
    nothing(county.get(f"/api/v1/chart/data/{key}"))
    nothing(county.get(f"/api/v1/cachekey/{key}"))
    nothing(county.get(f"/api/v1/sqllab/results/?q=(key:'{key}')"))


def test_somebody_elses_query_is_neither_shown_nor_exported(
    admin: Person, county: Person, seen: Any, nothing: Any
) -> None:
    asked = admin.sql("select case_no from fct_cases limit 500")
    client = asked.json()["query"]["id"]
    number = asked.json()["query_id"]
    nothing(county.get(f"/api/v1/sqllab/export/{client}/"))
    nothing(county.get(f"/api/v1/query/{number}"))
    assert not seen(county.get("/api/v1/query/"))
    assert number not in [each["id"] for each in county.get("/api/v1/query/").json().get("result", [])]


def test_a_chart_made_straight_from_a_query_is_refused(
    superset: Superset, admin: Person, county: Person, nothing: Any
) -> None:
    for person in (admin, superset.log_in("neighbour"), county):
        number = person.sql("select * from fct_cases limit 10").json()["query_id"]
        nothing(county.chart_data(number, kind="query", columns=["case_no"]))
        nothing(county.chart_data(number, kind="query", columns=["case_no"], more={"result_format": "csv"}))


def test_a_chart_made_from_a_saved_query_is_refused(county: Person, nothing: Any) -> None:
    saved = county.post(
        "/api/v1/saved_query/",
        {"db_id": 1, "label": "all", "sql": "select * from fct_cases", "schema": "main"},
    )
    assert saved.status_code == 201, saved.text
    nothing(county.chart_data(saved.json()["id"], kind="saved_query", columns=["case_no"]))


def test_a_link_of_somebody_else_shows_no_rows_of_theirs(
    admin: Person, county: Person, ids: dict[str, int], seen: Any
) -> None:
    form = {"datasource": f"{ids['dim_persons']}__table", "viz_type": "table", "metrics": ["rows"]}
    link = admin.post("/api/v1/explore/permalink", {"formData": form})
    assert link.status_code == 201, link.text
    answer = county.get(f"/api/v1/explore/permalink/{link.json()['key']}")
    assert answer.status_code in _REFUSED
    opened = county.get(f"/api/v1/explore/?permalink_key={link.json()['key']}")
    assert not opened.json().get("result", {}).get("dataset", {}).get("columns")


def test_the_form_of_a_chart_on_a_dataset_of_others_is_refused(county: Person, ids: dict[str, int]) -> None:
    body = {"datasource_id": ids["dim_persons"], "datasource_type": "table", "form_data": "{}"}
    assert county.post("/api/v1/explore/form_data", body).status_code in _REFUSED
    opened = county.get(f"/api/v1/explore/?datasource_id={ids['dim_persons']}&datasource_type=table")
    assert not opened.json().get("result", {}).get("dataset", {}).get("columns")


# --- more rights ----------------------------------------------------------------------------------------------------


def test_a_dataset_of_ones_own_cannot_be_made(county: Person, nothing: Any) -> None:
    nothing(county.post("/api/v1/dataset/", {"database": 1, "schema": "main", "table_name": "dim_persons"}))
    nothing(
        county.post(
            "/api/v1/dataset/",
            {"database": 1, "schema": "main", "table_name": "v", "sql": "select * from fct_cases"},
        )
    )
    nothing(
        county.post(
            "/api/v1/dataset/get_or_create/",
            {"database_id": 1, "schema": "main", "table_name": "dim_persons"},
        )
    )


def test_a_dataset_cannot_be_changed_or_taken_over(county: Person, ids: dict[str, int], nothing: Any) -> None:
    me = county.get("/api/v1/me/").json()["result"]["id"]
    nothing(county.put(f"/api/v1/dataset/{ids['fct_cases']}", {"sql": "select * from main.fct_cases"}))
    nothing(county.put(f"/api/v1/dataset/{ids['dim_persons']}", {"owners": [me]}))
    nothing(
        county.post("/api/v1/dataset/duplicate", {"base_model_id": ids["fct_cases"], "table_name": "copy"})
    )


def test_a_declared_dashboard_cannot_be_changed_or_taken_over(
    admin: Person, county: Person, nothing: Any
) -> None:
    board = next(
        each["id"] for each in admin.get("/api/v1/dashboard/").json()["result"] if each["slug"] == "cases"
    )
    me = county.get("/api/v1/me/").json()["result"]["id"]
    nothing(county.put(f"/api/v1/dashboard/{board}", {"owners": [me]}))


def test_another_database_cannot_be_connected(county: Person, known: Known, nothing: Any) -> None:
    address = f"duckdb:///{known.marts}"
    nothing(county.post("/api/v1/database/", {"database_name": "mine", "sqlalchemy_uri": address}))
    nothing(
        county.post("/api/v1/database/test_connection/", {"database_name": "mine", "sqlalchemy_uri": address})
    )
    nothing(county.put("/api/v1/database/1", {"sqlalchemy_uri": address}))


def test_not_even_the_administrator_connects_to_something_else(admin: Person) -> None:
    answer = admin.post(
        "/api/v1/database/test_connection/",
        {"database_name": "mine", "sqlalchemy_uri": "sqlite:////etc/x.db"},
    )
    assert answer.status_code in _REFUSED


def test_nothing_can_be_uploaded(county: Person, admin: Person, nothing: Any) -> None:
    for person in (county, admin):
        nothing(
            person.http.post(
                "/api/v1/database/1/upload/",
                data={"type": "csv", "table_name": "x", "schema": "main"},
                files={"file": ("x.csv", b"a,b\n1,2\n", "text/csv")},
            )
        )


def test_no_bundle_can_be_put_in(county: Person, nothing: Any) -> None:
    files = {"bundle": ("x.zip", b"PK", "application/zip"), "formData": ("x.zip", b"PK", "application/zip")}
    for path in ("assets", "dataset", "database"):
        nothing(county.http.post(f"/api/v1/{path}/import/", files=files))


def test_an_export_has_no_rows(county: Person, ids: dict[str, int], seen: Any, nothing: Any) -> None:
    own = county.get(f"/api/v1/dataset/export/?q=!({ids['fct_cases']})")
    assert own.status_code in (200, 403, 404) and not seen(own)
    nothing(county.get(f"/api/v1/dataset/export/?q=!({ids['dim_persons']})"))
    nothing(county.get("/api/v1/assets/export/"))


def test_the_row_rules_can_be_neither_read_nor_changed(county: Person, nothing: Any) -> None:
    nothing(county.get("/api/v1/rowlevelsecurity/"))
    nothing(county.put("/api/v1/rowlevelsecurity/1", {"clause": "1 = 1"}))
    nothing(county.http.delete("/api/v1/rowlevelsecurity/1"))


def test_nobody_gives_themselves_a_role(
    county: Person, seen: Any, ids: dict[str, int], ours: set[str], nothing: Any
) -> None:
    me = county.get("/api/v1/me/").json()["result"]["id"]
    county.put("/api/v1/me/", {"roles": [1], "first_name": "x"})
    nothing(county.get("/api/v1/security/users/"))
    nothing(county.put(f"/api/v1/security/users/{me}", {"roles": [1]}))
    nothing(county.post("/api/v1/security/roles/", {"name": "市级"}))
    assert seen(county.chart_data(ids["fct_cases"], columns=["case_no"])) == ours


def test_no_token_for_guests_is_given(county: Person, nothing: Any) -> None:
    body = {"user": {"username": "x"}, "resources": [{"type": "dashboard", "id": "1"}], "rls": []}
    nothing(county.post("/api/v1/security/guest_token/", body))


def test_a_token_for_guests_opens_nothing_even_if_signed_with_a_known_key(
    superset: Superset, ids: dict[str, int]
) -> None:
    import base64
    import hashlib
    import hmac

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    own = (superset.home / "superset" / "secret.key").read_text().strip()
    for key in ("test-guest-secret-change-me", hashlib.sha256(b"guest:" + own.encode()).hexdigest()):
        claims = {
            "user": {"username": "x"},
            "resources": [{"type": "dashboard", "id": "1"}],
            "rls_rules": [],
            "iat": 1,
            "exp": 9e9,
            "aud": superset.address,
            "type": "guest",
        }
        signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
        token = (
            signed
            + b"."
            + base64.urlsafe_b64encode(hmac.new(key.encode(), signed, hashlib.sha256).digest()).rstrip(b"=")
        )
        body = {
            "datasource": {"id": ids["fct_cases"], "type": "table"},
            "queries": [{"columns": ["case_no"]}],
        }
        answer = httpx.post(
            f"{superset.address}/api/v1/chart/data",
            json=body,
            headers={"X-GuestToken": token.decode()},
            timeout=60,
        )
        assert answer.status_code in (400, 401, 403)


def test_nobody_has_rows_sent_to_them(county: Person, nothing: Any) -> None:
    body = {
        "type": "Alert",
        "name": "x",
        "crontab": "* * * * *",
        "database": 1,
        "sql": "select * from fct_cases",
    }
    nothing(county.post("/api/v1/report/", body))


def test_tags_and_logs_tell_nothing(county: Person, nothing: Any) -> None:
    tags = county.get("/api/v1/tag/")
    assert tags.status_code in _REFUSED or not tags.json()["result"]
    nothing(county.get("/api/v1/log/"))


def test_a_visitor_without_a_name_sees_nothing(superset: Superset, ids: dict[str, int]) -> None:
    with httpx.Client(base_url=superset.address, timeout=60) as visitor:
        for path in (
            "dataset/",
            "dashboard/",
            "chart/",
            "database/",
            f"explore/?datasource_id={ids['fct_cases']}&datasource_type=table",
        ):
            answer = visitor.get(f"/api/v1/{path}")
            assert answer.status_code in (401, 403, 404) or not answer.json().get("result"), path
        body = {
            "datasource": {"id": ids["dim_themes"], "type": "table"},
            "queries": [{"columns": ["theme_code"]}],
        }
        assert visitor.post("/api/v1/chart/data", json=body).status_code in (400, 401, 403)


def test_nothing_is_told_of_a_table_of_others(county: Person, nothing: Any) -> None:
    for path in (
        "table_metadata/?name=dim_persons&schema=main",
        "table_metadata/extra/?name=dim_persons&schema=main",
        "select_star/dim_persons/main/",
    ):
        nothing(county.get(f"/api/v1/database/1/{path}"))
    shown = county.get(f"/api/v1/database/1/tables/?q={quote('(schema_name:main,force:!t)')}").json()
    assert {each["value"] for each in shown["result"]} == {
        "fct_cases",
        "fct_timeliness_months",
        "dim_units",
        "dim_themes",
    }
    assert county.get("/api/v1/database/1/table_metadata/?name=fct_cases&schema=main").status_code == 200


# --- each role and each dashboard -----------------------------------------------------------------------------------

_SEES = {
    "city": {"cases", "open"},
    "county": {"cases", "open"},
    "reader": {"cases", "open"},
    "department": {"cases", "open"},
    "town": {"open"},  # the second dataset of `cases` does not know towns
    "supervisor": {"cases", "open", "supervision"},
    "county_supervisor": {"cases", "open", "supervision"},
    "people": {"open", "people"},
    "public": {"open"},
    "nobody": set(),
    "admin": {"cases", "open", "supervision", "people"},
}


@pytest.mark.parametrize("name", _SEES)
def test_each_role_opens_its_dashboards_and_no_others(superset: Superset, admin: Person, name: str) -> None:
    person = superset.log_in(name)
    listed = {each["slug"] for each in person.get("/api/v1/dashboard/").json().get("result", [])}
    assert listed == _SEES[name]
    for slug in _SEES["admin"]:
        opened = person.get(f"/api/v1/dashboard/{slug}")
        charts = person.get(f"/api/v1/dashboard/{slug}/charts")
        assert (opened.status_code == 200) == (slug in _SEES[name]), slug
        assert (charts.status_code == 200) == (slug in _SEES[name]), slug


@pytest.mark.parametrize(
    ("name", "table", "condition"),
    [
        ("reader", "fct_cases", "county_code = '{own}'"),
        ("department", "fct_cases", "unit_code = '{unit}'"),
        ("department", "fct_timeliness_months", "unit_code = '{unit}'"),
        ("town", "fct_cases", "region_code = '{town}'"),
        ("supervisor", "fct_open_cases", "true"),
        ("county_supervisor", "fct_open_cases", "county_code = '{own}'"),
        ("county_supervisor", "fct_cases", "county_code = '{own}'"),
        ("people", "dim_persons", "true"),
        ("public", "dim_themes", "true"),
        ("county", "dim_units", "true"),
    ],
)
def test_each_role_has_exactly_its_rows(
    superset: Superset, ids: dict[str, int], known: Known, name: str, table: str, condition: str
) -> None:
    said = condition.format(own=known.own, unit=known.unit, town=known.town)
    rows = _rows(superset.log_in(name).chart_data(ids[table], metrics=["rows"]))
    assert rows == [{"rows": known.count(table, said)}] and rows[0]["rows"] > 0


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("city", "fct_open_cases"),
        ("city", "dim_persons"),
        ("town", "fct_timeliness_months"),
        ("supervisor", "dim_persons"),
        ("people", "fct_cases"),
        ("public", "fct_cases"),
        ("public", "dim_units"),
        ("nobody", "dim_themes"),
    ],
)
def test_what_a_role_has_no_right_to_it_does_not_get(
    superset: Superset, ids: dict[str, int], name: str, table: str
) -> None:
    assert superset.log_in(name).chart_data(ids[table], metrics=["rows"]).status_code == 403
