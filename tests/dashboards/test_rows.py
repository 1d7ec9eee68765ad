"""From roles to a condition, and what a statement may be, without a server."""

import pytest

from dashboards import rights
from dashboards.superset import rows, statements
from tests.dashboards.small_bundle import DATASETS


@pytest.fixture(scope="module")
def given() -> rows.Rights:
    document = rights.document(DATASETS)
    return rows.Rights(document["roles"], document["datasets"])


@pytest.mark.parametrize(
    ("roles", "table", "condition"),
    [
        (["县区:445102000000"], "fct_cases", "(county_code IN ('445102000000'))"),
        (["县区:1", "县区:2"], "fct_cases", "(county_code IN ('1', '2'))"),
        (["县区:1", "部门:9"], "fct_cases", "(county_code IN ('1') OR unit_code IN ('9'))"),
        (["县区:1", "市级"], "fct_cases", "1 = 1"),
        (["县区:1", "分析", "Gamma"], "fct_cases", "(county_code IN ('1'))"),
        (["效能监督:1"], "fct_open_cases", "(county_code IN ('1'))"),
        (["效能监督"], "fct_open_cases", "1 = 1"),
        (["县区:1"], "dim_units", "1 = 1"),
        (["公众"], "dim_themes", "1 = 1"),
    ],
)
def test_several_roles_see_what_each_sees(
    given: rows.Rights, roles: list[str], table: str, condition: str
) -> None:
    assert given.condition(table, roles) == condition


@pytest.mark.parametrize(
    ("roles", "table"),
    [
        ([], "fct_cases"),
        (["Admin"], "fct_cases"),
        (["县区"], "fct_cases"),
        (["县区:"], "fct_cases"),
        (["市级:1"], "fct_cases"),
        (["县区:1') OR ('1'='1"], "fct_cases"),
        (["县区:1' --"], "fct_cases"),
        (["县区:1 OR 1=1"], "fct_cases"),
        (["镇街:1"], "fct_timeliness_months"),
        (["市级"], "fct_open_cases"),
        (["市级"], "dim_persons"),
        (["公众"], "dim_units"),
        (["市级"], "a_table_that_is_none"),
    ],
)
def test_what_is_not_said_is_refused(given: rows.Rights, roles: list[str], table: str) -> None:
    assert given.condition(table, roles) is None


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select 1", set()),
        ("from A select x", {"a"}),
        (
            "with q as (from b) select * from q, main.c, (select (select max(d) from marts.main.e))",
            {"q", "b", "c", "e"},
        ),
        ("select * from a, unnest([1, 2]), range(3)", {"a"}),
        ("values (1)", set()),
    ],
)
def test_every_table_of_a_statement_is_found(sql: str, tables: set[str]) -> None:
    assert statements.tables_read(sql, catalog="marts", schema="main") == tables


@pytest.mark.parametrize(
    "sql",
    [
        "select * from other.main.t",
        "select * from other.t",
        "select 1 where exists (from temp.t)",
        "with recursive q as (select 1 union all select * from x.main.t) from q",
        "select * from read_csv('x')",
        "select a, (select b from query('select 1')) from t",
        "select * from t join (select * from duckdb_tables()) using (a)",
        "(select 1 from t) union (select 2 from pragma_version())",
        "show tables",
        "select * from (describe t)",
        "select 1; select 2",
        "delete from t",
        "select getenv('HOME')",
        "",
    ],
)
def test_what_is_not_known_to_be_harmless_is_refused(sql: str) -> None:
    with pytest.raises(statements.RefusedError):
        statements.tables_read(sql, catalog="marts", schema="main")
