"""The declared dashboards under the declared rights: each role finds its own, and of every dataset only its rows."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import duckdb
import pytest

from tests.dashboards.conftest import Declared, Known, rows_of
from tests.servers import wait_for

_PEOPLE = ["city", "county", "department", "town", "supervisor", "county_supervisor", "people", "public"]


@pytest.mark.parametrize("name", _PEOPLE)
def test_each_role_finds_the_dashboards_that_it_may_see_whole(declared: Declared, name: str) -> None:
    may = set(declared.rights.tables(declared.people[name]))
    expected = {slug for slug, tables in declared.tables().items() if tables <= may}
    person = declared.superset.log_in(name)
    answer = person.get("/api/v1/dashboard/?q=(page_size:100)").json()
    assert {each["slug"] for each in answer["result"]} == expected
    for slug in declared.tables():
        assert (person.get(f"/api/v1/dashboard/{slug}").status_code == 200) == (slug in expected), slug


def test_the_city_finds_something_and_the_public_nothing_that_is_not_open(declared: Declared) -> None:
    kinds = {table: about["kind"] for table, about in declared.rights.datasets.items()}
    boards = declared.tables()
    assert {"rates", "process"} <= set(boards)
    may = set(declared.rights.tables(["市级"]))
    assert boards["rates"] <= may
    assert all(kinds[table] == "open" for table in declared.rights.tables(["公众"]))


# Beside the open one, which everybody has: the dashboards of figures, those of supervision, and the ones of persons.
_ORDINARY = {"rates", "process", "people", "licences", "demand", "monitoring", "supervision"}
_OWN = {
    "city": _ORDINARY,
    "county": _ORDINARY,
    "supervisor": _ORDINARY | {"supervision_posts"},
    "county_supervisor": _ORDINARY | {"supervision_posts"},
    "people": {"thematic"},
    "public": set(),
}


@pytest.mark.parametrize("name", _OWN)
def test_each_role_has_the_dashboards_that_are_made_for_it(declared: Declared, name: str) -> None:
    answer = declared.superset.log_in(name).get("/api/v1/dashboard/?q=(page_size:100)").json()
    found = {each["slug"] for each in answer["result"]}
    chinese = {slug for slug in found if not slug.endswith("-en")}
    assert chinese == _OWN[name] | {"open_figures"}
    assert found - chinese == {f"{slug}-en" for slug in chinese}


def _dataset(declared: Declared, table: str) -> int:
    """A dataset's number, which the public cannot ask for."""
    listed = declared.superset.log_in("admin").get("/api/v1/dataset/?q=(page_size:100)").json()["result"]
    return next(int(each["id"]) for each in listed if each["table_name"] == table)


def test_the_public_sees_no_month_that_is_not_over_and_nothing_smaller_than_a_county(
    declared: Declared, known: Known
) -> None:
    assert {table.lower() for table in declared.rights.tables(["公众"])} == {"board_open_figures"}
    columns = ["period_kind", "month", "scope_kind", "scope_code"]
    number = _dataset(declared, "board_open_figures")
    shown = rows_of(declared.superset.log_in("public").chart_data(number, columns=columns, metrics=[]))
    with duckdb.connect(str(known.marts), read_only=True) as connection:
        over = connection.execute(
            "select period from dim_periods where period_kind = 'month' and state_on >= period_end"
        ).fetchall()
        scopes = connection.execute(
            "select 'region', region_code from dim_regions where region_level = 'county' "
            "union all select 'level', level_code from dim_levels "
            "union all select scope_kind, scope_code from dim_scopes where scope_kind = 'city'"
        ).fetchall()
    assert {row["month"] for row in shown} <= {month for (month,) in over}
    assert {(row["scope_kind"], row["scope_code"]) for row in shown} <= set(scopes)
    assert {row["scope_kind"] for row in shown} == {"city", "level", "region"}


@pytest.mark.parametrize("table", ["board_households", "board_supervision_records"])
def test_rows_of_persons_come_whole_to_the_one_role_that_may_see_them(
    declared: Declared, known: Known, table: str
) -> None:
    number = _dataset(declared, table)
    for name in _PEOPLE:
        answer = declared.superset.log_in(name).chart_data(number, columns=["owner_key"], metrics=[])
        if name != "people":
            assert answer.status_code == 403, name
            continue
        assert len(rows_of(answer)) == known.count(f"(select distinct owner_key from {table})") > 0


@pytest.mark.parametrize("name", ["county", "department", "county_supervisor"])
def test_of_every_dataset_come_only_ones_own_rows(declared: Declared, known: Known, name: str) -> None:
    person = declared.superset.log_in(name)
    whose, code = ("unit", known.unit) if name == "department" else ("county", known.own)
    shown: dict[str, Any] = {}
    for each in person.get("/api/v1/dataset/?q=(page_size:100)").json()["result"]:
        about = declared.rights.datasets[each["table_name"]]
        if about["kind"] in ("open", "reference"):
            continue
        column = about["rows"][whose]
        found = {row[column] for row in rows_of(person.chart_data(each["id"], columns=[column], metrics=[]))}
        assert found <= {code}, f"{each['table_name']}: {sorted(map(str, found - {code}))[:3]}"
        shown[each["table_name"]] = found
    assert sum(bool(found) for found in shown.values()) > len(shown) / 3, json.dumps(list(shown))


@pytest.mark.parametrize("name", ["city", "county", "town", "public"])
def test_filters_stand_on_their_first_choice_when_a_page_is_opened(
    declared: Declared, known: Known, name: str
) -> None:
    """Told with the page: it need not wait for all choices before it asks for charts."""
    slug, filters = (
        ("open_figures", {"month"}) if name == "public" else ("rates", {"plan", "month", "metric"})
    )
    answer = declared.superset.log_in(name).get(f"/api/v1/dashboard/{slug}").json()["result"]
    told = {
        each["targets"][0]["column"]["name"]: each["defaultDataMask"]
        for each in json.loads(answer["json_metadata"])["native_filter_configuration"]
    }
    with duckdb.connect(str(known.marts), read_only=True) as connection:

        def first(sql: str) -> Any:
            found = connection.execute(sql).fetchone()
            assert found is not None
            return found[0]

        month = first(
            "select max(period) from dim_periods where period_kind = 'month' and state_on >= period_end"
        )
        if "plan" in filters:
            plan = first("select arg_min(plan_name, plan_order) from board_attainments")
            assert told["plan_name"]["filterState"]["value"] == [plan]
            metric = first("select arg_min(metric_name, metric_order) from board_figures")
            assert told["metric_name"]["filterState"]["value"] == [metric]
    assert told["month"]["filterState"]["value"] == [month]
    assert told["month"]["extraFormData"] == {"filters": [{"col": "month", "op": "IN", "val": [month]}]}
    assert {column for column, mask in told.items() if mask["filterState"].get("value")} == {
        {"plan": "plan_name", "month": "month", "metric": "metric_name"}[each] for each in filters
    }


def test_who_asked_for_what_stands_in_the_log(declared: Declared) -> None:
    person = declared.superset.log_in("county")
    number = _dataset(declared, "board_figures")
    log = f"file:{declared.superset.home / 'superset' / 'superset.db'}?mode=ro"
    asked = (
        "select count(*) from logs join ab_user on ab_user.id = logs.user_id "
        "where ab_user.username = 'county' and action = 'ChartDataRestApi.data'"
    )

    def events() -> int:
        with closing(sqlite3.connect(log, uri=True)) as connection:
            return int(connection.execute(asked).fetchone()[0])

    before = events()
    rows_of(person.chart_data(number, columns=["month"], metrics=[]))
    # They are written after the answer.
    assert wait_for("the event of a chart", 20, lambda: events() - before or None) == 1
