"""What each guard is for: with it taken away, the tests of rights would find foreign rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboards.conftest import It
from tests.dashboards.running import Superset

# Superset as it comes, with its own row-level rules in place: its own security manager, and a plain connection to the
# release.
_AS_IT_COMES = """
from superset.security import SupersetSecurityManager

class CUSTOM_SECURITY_MANAGER(_security.SecurityManager):
    raise_for_access = SupersetSecurityManager.raise_for_access

_security.guard_charts = lambda: None

def DB_CONNECTION_MUTATOR(uri, params, username, security_manager, source):
    return uri.set(database=str(place.real_marts())), {"poolclass": params["poolclass"], "connect_args": {"read_only":
    True}}
"""


@pytest.fixture(scope="module")
def as_it_comes(superset: Superset) -> Iterator[Superset]:
    """A second server over the same metadata, without the wall and without our security manager's rules."""
    other = Superset(superset.home, passwords=superset.passwords)
    other.start(_AS_IT_COMES)
    try:
        yield other
    finally:
        other.stop()


@pytest.mark.parametrize(
    "sql",
    [
        "pivot fct_cases on county_code using count(*)",
        "unpivot fct_cases on case_no",
        "summarize fct_cases",
        "select * from (summarize fct_cases)",
    ],
)
def test_without_the_wall_sql_that_superset_does_not_understand_shows_foreign_rows(
    it: It, as_it_comes: Superset, sql: str
) -> None:
    assert it.seen(as_it_comes.log_in("county").sql(sql, queryLimit=50_000)) - it.ours
    assert not it.seen(it.county.sql(sql, queryLimit=50_000))


def test_without_the_wall_a_file_is_written_with_all_rows(
    it: It, as_it_comes: Superset, tmp_path: Path
) -> None:
    there, here = tmp_path / "there.csv", tmp_path / "here.csv"
    as_it_comes.log_in("county").sql(f"copy fct_cases to '{there}'")
    it.county.sql(f"copy fct_cases to '{here}'")
    assert len(there.read_text("utf-8").splitlines()) == len(it.every_case) + 1
    assert not here.exists()


def test_without_the_wall_superset_s_own_rules_still_hold_for_charts(it: It, as_it_comes: Superset) -> None:
    it.only_ours(as_it_comes.log_in("county").chart_data(it.ids["fct_cases"], columns=["case_no"]))


def test_without_superset_s_rules_the_wall_holds(it: It) -> None:
    rules = it.admin.get("/api/v1/rowlevelsecurity/").json()["result"]
    mine = next(rule for rule in rules if rule["name"] == "行权限 fct_cases")
    before = {
        "name": mine["name"],
        "filter_type": "Base",
        "tables": [it.ids["fct_cases"]],
        "roles": [role["id"] for role in mine["roles"]],
    }
    path = f"/api/v1/rowlevelsecurity/{mine['id']}"
    opened = it.admin.put(path, {**before, "clause": "1 = 1"})
    assert opened.status_code in (200, 201), opened.text
    try:
        answer = it.county.chart_data(it.ids["fct_cases"], columns=["case_no"])
        assert "1 = 1" in answer.json()["result"][0]["query"]
        it.only_ours(answer)
        it.only_ours(it.county.sql("select case_no from fct_cases", queryLimit=50_000))
    finally:
        assert it.admin.put(path, {**before, "clause": '{{ own_rows("fct_cases") }}'}).status_code in (
            200,
            201,
        )
    assert (
        "county_code IN"
        in it.county.chart_data(it.ids["fct_cases"], columns=["case_no"]).json()["result"][0]["query"]
    )
