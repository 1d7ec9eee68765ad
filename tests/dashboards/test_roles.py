"""Each role with each dashboard and each kind of rows, through the API."""

import pytest

from tests.dashboards.conftest import It, rows_of

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
def test_each_role_opens_its_dashboards_and_no_others(it: It, name: str) -> None:
    person = it.superset.log_in(name)
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
def test_each_role_has_exactly_itsrows_of(it: It, name: str, table: str, condition: str) -> None:
    said = condition.format(own=it.known.own, unit=it.known.unit, town=it.known.town)
    rows = rows_of(it.superset.log_in(name).chart_data(it.ids[table], metrics=["rows"]))
    assert rows == [{"rows": it.known.count(table, said)}] and rows[0]["rows"] > 0


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
def test_what_a_role_has_no_right_to_it_does_not_get(it: It, name: str, table: str) -> None:
    assert it.superset.log_in(name).chart_data(it.ids[table], metrics=["rows"]).status_code == 403
