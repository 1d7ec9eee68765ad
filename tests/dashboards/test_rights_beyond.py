"""Ways to another county's rows through what others asked and through more rights; none leads there.

What tells is the case number: it is in no request, so a foreign one in an answer came out of the warehouse.
"""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

import httpx

from tests.dashboards.conftest import REFUSED, It
from tests.dashboards.running import Person


def test_what_the_city_has_just_asked_is_kept_for_the_city_and_not_answered_to_a_county(it: It) -> None:
    def asks(person: Person) -> httpx.Response:
        # A limit of this test's own: nobody has asked this before.
        return person.chart_data(
            it.ids["fct_cases"], columns=["case_no"], row_limit=9_876, more={"force": False}
        )

    city = it.superset.log_in("city")
    for person in (city, it.admin):
        assert it.seen(asks(person)) == it.every_case
    again = asks(city)
    assert again.json()["result"][0]["is_cached"] and it.seen(again) == it.every_case
    for asked_before in (False, True):
        own = asks(it.county)
        assert bool(own.json()["result"][0]["is_cached"]) == asked_before
        it.only_ours(own)


def test_two_counties_never_share_a_key_of_the_cache(it: It) -> None:
    keys = {
        person.chart_data(it.ids["fct_cases"], columns=["case_no"]).json()["result"][0]["cache_key"]
        for person in (
            it.county,
            it.superset.log_in("neighbour"),
            it.superset.log_in("city"),
            it.superset.log_in("admin"),
        )
    }
    assert len(keys) == 4


def test_a_result_is_not_handed_out_by_its_key(it: It) -> None:
    key = it.admin.chart_data(it.ids["fct_cases"], columns=["case_no"]).json()["result"][0]["cache_key"]
    it.nothing(it.county.get(f"/api/v1/chart/data/{key}"))
    it.nothing(it.county.get(f"/api/v1/cachekey/{key}"))
    it.nothing(it.county.get(f"/api/v1/sqllab/results/?q=(key:'{key}')"))


def test_somebody_elses_query_is_neither_shown_nor_exported(it: It) -> None:
    asked = it.admin.sql("select case_no from fct_cases limit 500")
    client = asked.json()["query"]["id"]
    number = asked.json()["query_id"]
    it.nothing(it.county.get(f"/api/v1/sqllab/export/{client}/"))
    it.nothing(it.county.get(f"/api/v1/query/{number}"))
    assert not it.seen(it.county.get("/api/v1/query/"))
    assert number not in [each["id"] for each in it.county.get("/api/v1/query/").json().get("result", [])]


def test_a_chart_made_straight_from_a_query_is_refused(it: It) -> None:
    for person in (it.admin, it.superset.log_in("neighbour"), it.county):
        number = person.sql("select * from fct_cases limit 10").json()["query_id"]
        it.nothing(it.county.chart_data(number, kind="query", columns=["case_no"]))
        it.nothing(
            it.county.chart_data(number, kind="query", columns=["case_no"], more={"result_format": "csv"})
        )


def test_a_chart_made_from_a_saved_query_is_refused(it: It) -> None:
    saved = it.county.post(
        "/api/v1/saved_query/",
        {"db_id": 1, "label": "all", "sql": "select * from fct_cases", "schema": "main"},
    )
    assert saved.status_code == 201, saved.text
    it.nothing(it.county.chart_data(saved.json()["id"], kind="saved_query", columns=["case_no"]))


def test_a_link_of_somebody_else_shows_no_rows_of_theirs(it: It) -> None:
    form = {"datasource": f"{it.ids['dim_persons']}__table", "viz_type": "table", "metrics": ["rows"]}
    link = it.admin.post("/api/v1/explore/permalink", {"formData": form})
    assert link.status_code == 201, link.text
    answer = it.county.get(f"/api/v1/explore/permalink/{link.json()['key']}")
    assert answer.status_code in REFUSED
    opened = it.county.get(f"/api/v1/explore/?permalink_key={link.json()['key']}")
    assert not opened.json().get("result", {}).get("dataset", {}).get("columns")


def test_the_form_of_a_chart_on_a_dataset_of_others_is_refused(it: It) -> None:
    body = {"datasource_id": it.ids["dim_persons"], "datasource_type": "table", "form_data": "{}"}
    assert it.county.post("/api/v1/explore/form_data", body).status_code in REFUSED
    opened = it.county.get(f"/api/v1/explore/?datasource_id={it.ids['dim_persons']}&datasource_type=table")
    assert not opened.json().get("result", {}).get("dataset", {}).get("columns")


def test_a_dataset_of_ones_own_cannot_be_made(it: It) -> None:
    it.nothing(
        it.county.post("/api/v1/dataset/", {"database": 1, "schema": "main", "table_name": "dim_persons"})
    )
    it.nothing(
        it.county.post(
            "/api/v1/dataset/",
            {"database": 1, "schema": "main", "table_name": "v", "sql": "select * from fct_cases"},
        )
    )
    it.nothing(
        it.county.post(
            "/api/v1/dataset/get_or_create/",
            {"database_id": 1, "schema": "main", "table_name": "dim_persons"},
        )
    )


def test_a_dataset_cannot_be_changed_or_taken_over(it: It) -> None:
    me = it.county.get("/api/v1/me/").json()["result"]["id"]
    it.nothing(
        it.county.put(f"/api/v1/dataset/{it.ids['fct_cases']}", {"sql": "select * from main.fct_cases"})
    )
    it.nothing(it.county.put(f"/api/v1/dataset/{it.ids['dim_persons']}", {"owners": [me]}))
    it.nothing(
        it.county.post(
            "/api/v1/dataset/duplicate", {"base_model_id": it.ids["fct_cases"], "table_name": "copy"}
        )
    )


def test_a_declared_dashboard_cannot_be_changed_or_taken_over(it: It) -> None:
    board = next(
        each["id"] for each in it.admin.get("/api/v1/dashboard/").json()["result"] if each["slug"] == "cases"
    )
    me = it.county.get("/api/v1/me/").json()["result"]["id"]
    it.nothing(it.county.put(f"/api/v1/dashboard/{board}", {"owners": [me]}))


def test_another_database_cannot_be_connected(it: It) -> None:
    address = f"duckdb:///{it.known.marts}"
    it.nothing(it.county.post("/api/v1/database/", {"database_name": "mine", "sqlalchemy_uri": address}))
    it.nothing(
        it.county.post(
            "/api/v1/database/test_connection/", {"database_name": "mine", "sqlalchemy_uri": address}
        )
    )
    it.nothing(it.county.put("/api/v1/database/1", {"sqlalchemy_uri": address}))


def test_not_even_the_administrator_connects_to_something_else(it: It) -> None:
    answer = it.admin.post(
        "/api/v1/database/test_connection/",
        {"database_name": "mine", "sqlalchemy_uri": "sqlite:////etc/x.db"},
    )
    assert answer.status_code in REFUSED


def test_nothing_can_be_uploaded(it: It) -> None:
    for person in (it.county, it.admin):
        it.nothing(
            person.http.post(
                "/api/v1/database/1/upload/",
                data={"type": "csv", "table_name": "x", "schema": "main"},
                files={"file": ("x.csv", b"a,b\n1,2\n", "text/csv")},
            )
        )


def test_no_bundle_can_be_put_in(it: It) -> None:
    files = {"bundle": ("x.zip", b"PK", "application/zip"), "formData": ("x.zip", b"PK", "application/zip")}
    for path in ("assets", "dataset", "database"):
        it.nothing(it.county.http.post(f"/api/v1/{path}/import/", files=files))


def test_an_export_has_norows_of(it: It) -> None:
    own = it.county.get(f"/api/v1/dataset/export/?q=!({it.ids['fct_cases']})")
    assert own.status_code in (200, 403, 404) and not it.seen(own)
    it.nothing(it.county.get(f"/api/v1/dataset/export/?q=!({it.ids['dim_persons']})"))
    it.nothing(it.county.get("/api/v1/assets/export/"))


def test_the_row_rules_can_be_neither_read_nor_changed(it: It) -> None:
    it.nothing(it.county.get("/api/v1/rowlevelsecurity/"))
    it.nothing(it.county.put("/api/v1/rowlevelsecurity/1", {"clause": "1 = 1"}))
    it.nothing(it.county.http.delete("/api/v1/rowlevelsecurity/1"))


def test_nobody_gives_themselves_a_role(it: It) -> None:
    me = it.county.get("/api/v1/me/").json()["result"]["id"]
    it.county.put("/api/v1/me/", {"roles": [1], "first_name": "x"})
    it.nothing(it.county.get("/api/v1/security/users/"))
    it.nothing(it.county.put(f"/api/v1/security/users/{me}", {"roles": [1]}))
    it.nothing(it.county.post("/api/v1/security/roles/", {"name": "市级"}))
    assert it.seen(it.county.chart_data(it.ids["fct_cases"], columns=["case_no"])) == it.ours


def test_no_token_for_guests_is_given(it: It) -> None:
    body = {"user": {"username": "x"}, "resources": [{"type": "dashboard", "id": "1"}], "rls": []}
    it.nothing(it.county.post("/api/v1/security/guest_token/", body))


def test_a_token_for_guests_opens_nothing_even_if_signed_with_a_known_key(it: It) -> None:

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    own = (it.superset.home / "superset" / "secret.key").read_text().strip()
    for key in ("test-guest-secret-change-me", hashlib.sha256(b"guest:" + own.encode()).hexdigest()):
        claims = {
            "user": {"username": "x"},
            "resources": [{"type": "dashboard", "id": "1"}],
            "rls_rules": [],
            "iat": 1,
            "exp": 9e9,
            "aud": it.superset.address,
            "type": "guest",
        }
        signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
        token = (
            signed
            + b"."
            + base64.urlsafe_b64encode(hmac.new(key.encode(), signed, hashlib.sha256).digest()).rstrip(b"=")
        )
        body = {
            "datasource": {"id": it.ids["fct_cases"], "type": "table"},
            "queries": [{"columns": ["case_no"]}],
        }
        answer = httpx.post(
            f"{it.superset.address}/api/v1/chart/data",
            json=body,
            headers={"X-GuestToken": token.decode()},
            timeout=60,
        )
        assert answer.status_code in (400, 401, 403)


def test_nobody_has_rows_sent_to_them(it: It) -> None:
    body = {
        "type": "Alert",
        "name": "x",
        "crontab": "* * * * *",
        "database": 1,
        "sql": "select * from fct_cases",
    }
    it.nothing(it.county.post("/api/v1/report/", body))


def test_tags_and_logs_tell_nothing(it: It) -> None:
    tags = it.county.get("/api/v1/tag/")
    assert tags.status_code in REFUSED or not tags.json()["result"]
    it.nothing(it.county.get("/api/v1/log/"))


def test_a_visitor_without_a_name_sees_nothing(it: It) -> None:
    with httpx.Client(base_url=it.superset.address, timeout=60) as visitor:
        for path in (
            "dataset/",
            "dashboard/",
            "chart/",
            "database/",
            f"explore/?datasource_id={it.ids['fct_cases']}&datasource_type=table",
        ):
            answer = visitor.get(f"/api/v1/{path}")
            assert answer.status_code in (401, 403, 404) or not answer.json().get("result"), path
        body = {
            "datasource": {"id": it.ids["dim_themes"], "type": "table"},
            "queries": [{"columns": ["theme_code"]}],
        }
        assert visitor.post("/api/v1/chart/data", json=body).status_code in (400, 401, 403)


def test_nothing_is_told_of_a_table_of_others(it: It) -> None:
    for path in (
        "table_metadata/?name=dim_persons&schema=main",
        "table_metadata/extra/?name=dim_persons&schema=main",
        "select_star/dim_persons/main/",
    ):
        it.nothing(it.county.get(f"/api/v1/database/1/{path}"))
    shown = it.county.get(f"/api/v1/database/1/tables/?q={quote('(schema_name:main,force:!t)')}").json()
    assert {each["value"] for each in shown["result"]} == {
        "fct_cases",
        "fct_timeliness_months",
        "dim_units",
        "dim_themes",
    }
    assert it.county.get("/api/v1/database/1/table_metadata/?name=fct_cases&schema=main").status_code == 200
