"""SQL Lab under the same rights: what can be read is read as one's own rows, everything else is refused."""

from typing import Any

import pytest

from tests.dashboards.conftest import It

_OURS = {
    "the table": "select case_no from fct_cases",
    "with its schema": "select case_no from main.fct_cases",
    "under another name": "select x.case_no from fct_cases as x",
    "in a common table expression": "with q as (select * from fct_cases) select case_no from q",
    "under its own name": "with fct_cases as (select * from main.fct_cases) select case_no from fct_cases",
    "recursively": "with recursive q as (select case_no from fct_cases union select case_no from q) from q",
    "in a union": "select case_no from fct_cases union all select case_no from main.fct_cases",
    "except nothing": "select case_no from fct_cases except select 'x'",
    "in a subquery": "select case_no from (select * from (select * from main.fct_cases))",
    "in a scalar": "select (select string_agg(case_no, ' ') from fct_cases) as n",
    "in a condition": "select case_no from fct_cases where case_no in (select case_no from main.fct_cases)",
    "joined with itself": "select b.case_no from fct_cases a join main.fct_cases b on a.case_no = b.case_no",
    "crossed": "select distinct b.case_no from dim_themes a cross join main.fct_cases b",
    "side by side": "select b.* from fct_cases a, lateral (from main.fct_cases c where c.case_no = a.case_no) b",
    "from first": "from fct_cases select case_no",
    "only from": "from fct_cases",
    "as one value a row": "select t.case_no as n, t from fct_cases t",
    "as a list": "select unnest(list(case_no)) as n from fct_cases",
    "with comments": "select /* fct_open_cases */ case_no from --x\n main./**/fct_cases",
    "with a condition that is always true": "select case_no from fct_cases where 1 = 1 or true",
    "with all its columns": "select columns('case_no') from fct_cases",
    "without duplicates": "select distinct on (case_no) case_no from fct_cases",
}


@pytest.mark.parametrize("way", _OURS)
def test_whatever_way_the_table_is_named_only_our_rows_come(it: It, way: str) -> None:
    answer = it.county.sql(_OURS[way], queryLimit=50_000)
    found = it.seen(answer)
    assert found <= it.ours, way
    assert answer.status_code == 200 and found == it.ours, f"{way}: {answer.text[:400]}"


def test_the_city_reads_all_in_the_same_words(it: It) -> None:
    for person in (it.admin, it.superset.log_in("city")):
        answer = person.sql(_OURS["the table"], queryLimit=50_000)
        assert it.seen(answer) == it.every_case


# A condition that fails on a row tells in its error what is in the row: it may never be asked of one that is not ours.
_TELLING = {
    "an error of one's own": "select count(*) as n from fct_cases where case when county_code <> '{own}' "
    "then error(concat(county_code, ' ', case_no)) else true end",
    "a cast that fails": "select count(*) as n from fct_cases where case when county_code <> '{own}' "
    "then cast(concat(county_code, ' ', case_no) as int) = 1 else true end",
    "behind what is cheap": "select count(*) as n from fct_cases where case_no is not null and length(case_no) > 1 "
    "and case when county_code <> '{own}' then cast(concat(county_code, ' ', case_no) as int) = 1 else true end",
    "in a join": "select count(*) as n from fct_cases join (select 1 as one) on case when county_code <> '{own}' "
    "then cast(concat(county_code, ' ', case_no) as int) = 1 else one = 1 end",
}


@pytest.mark.parametrize("way", _TELLING)
def test_no_error_tells_what_is_in_anothers_row(it: It, way: str) -> None:
    answer = it.county.sql(_TELLING[way].format(own=it.known.own))
    assert answer.status_code == 200, answer.text[:400]
    assert answer.json()["data"] == [{"n": len(it.ours)}]
    told = it.superset.log_in("city").sql(_TELLING[way].format(own=it.known.own))
    assert told.status_code != 200 and it.seen(told) - it.ours, "the city's own rows would tell"


def test_counting_counts_our_rows(it: It) -> None:
    answer = it.county.sql(
        "select count(*) as n, count(distinct county_code) as c, max(county_code) as m from fct_cases"
    )
    assert answer.json()["data"] == [{"n": len(it.ours), "c": 1, "m": it.known.own}]


# The first four would be ours, but Superset's parser and DuckDB's do not agree about them.
_REFUSED = {
    "with catalog and schema": "select case_no from marts.main.fct_cases",
    "in quotes and capitals": 'select case_no from "MARTS"."Main"."FCT_CASES"',
    "as a table": "table fct_cases",
    "a sample of all": "select case_no from fct_cases using sample 100%",
    "a dataset of supervisors": "select * from fct_open_cases",
    "a dataset of persons": "select * from main.dim_persons",
    "behind an expression of that name": "with dim_persons as (select 1) select * from main.dim_persons",
    "outside that expression": "select (with dim_persons as (select 1 a) from dim_persons), * from dim_persons",
    "a table that is no dataset": "select * from fct_steps",
    "a view that is no dataset": "select * from metric_proofs",
    "the list of tables": "select * from information_schema.tables",
    "the list of columns": "select * from information_schema.columns",
    "duckdb's own list": "select * from duckdb_tables()",
    "the list of databases": "select * from duckdb_databases()",
    "the list of views": "select sql from duckdb_views()",
    "its settings": "select * from duckdb_settings()",
    "its secrets": "select * from duckdb_secrets()",
    "one setting": "select current_setting('home_directory')",
    "a variable": "select getvariable('x')",
    "the environment": "select getenv('HOME')",
    "postgres' catalogue": "select * from pg_catalog.pg_class",
    "sqlite's catalogue": "select * from sqlite_master",
    "a release by its likely name": "select * from release.main.fct_cases",
    "the working memory": "select * from memory.main.fct_cases",
    "the temporary schema": "select * from temp.main.fct_cases",
    "the system": "select * from system.main.duckdb_tables",
    "a file": "select * from '/etc/passwd'",
    "a csv file": "select * from read_csv('/etc/passwd')",
    "a text file": "select * from read_text('/etc/passwd')",
    "the release's file as a blob": "select * from read_blob('/tmp/**/marts.duckdb')",
    "parquet": "select * from read_parquet('/tmp/**/*.parquet')",
    "parquet by name": "select * from 'landing/x.parquet'",
    "what files there are": "select * from glob('/tmp/*')",
    "sql in a string": "select * from query('select * from fct_cases')",
    "a table in a string": "select * from query_table('fct_open_cases')",
    "a statement as json": "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "a python object": "select * from df",
    "show": "show all tables",
    "show in from": "select * from (show all tables)",
    "describe": "describe fct_open_cases",
    "describe in from": "from (describe fct_open_cases)",
    "summarize": "summarize fct_open_cases",
    "summarize in from": "select * from (summarize fct_open_cases)",
    "explain": "explain select * from fct_cases",
    "explain analyze": "explain analyze select * from fct_cases",
    "pragma": "pragma database_list",
    "pragma as a function": "select * from pragma_database_list()",
    "storage": "select * from pragma_storage_info('fct_cases')",
    "call": "call duckdb_tables()",
    "set": "set enable_external_access = true",
    "set a variable to rows": "set variable x = (select list(case_no) from fct_cases)",
    "reset": "reset enable_external_access",
    "attach": "attach '/tmp/x.db' as x",
    "detach": "detach marts",
    "use": "use memory",
    "copy out": "copy fct_cases to '/tmp/out.csv'",
    "copy a database": "copy from database marts to memory",
    "export": "export database '/tmp/out'",
    "install": "install httpfs",
    "load": "load httpfs",
    "a view": "create view v as select * from fct_cases",
    "a temporary table": "create temp table t as select * from fct_cases",
    "a macro": "create macro m() as table select * from fct_cases",
    "replacing our view": "create or replace view marts.main.fct_cases as select 1",
    "dropping our view": "drop view fct_cases",
    "an update": "update fct_cases set county_code = 'x'",
    "a delete": "delete from fct_cases",
    "prepare": "prepare p as select * from fct_cases",
    "execute": "execute p",
    "pivot": "pivot fct_cases on county_code using count(*)",
    "unpivot": "unpivot fct_cases on case_no",
    "two statements": "select 1; select * from fct_cases",
    "a hidden second statement": "select 1; /* x */ set threads = 1",
    "another moment": "select * from fct_cases at (version => 1)",
    "checkpoint": "checkpoint marts",
    "a transaction": "begin transaction",
    "what jinja knows": "select '{{ own_rows.__globals__ }}' as x from fct_open_cases",
    "jinja's way to classes": "select '{{ ().__class__.__base__.__subclasses__() }}'",
    "the number of a dataset of others": "select * from {{ dataset(1) }} as x, dim_persons",
}


@pytest.mark.parametrize("way", _REFUSED)
def test_what_cannot_be_shown_to_be_ours_is_refused(it: It, way: str) -> None:
    answer = it.county.sql(_REFUSED[way], queryLimit=50_000)
    assert not it.seen(answer), way
    body = answer.json() if answer.headers["content-type"].startswith("application/json") else {}
    assert answer.status_code >= 400 and not body.get("data"), (
        f"{way}: {answer.status_code} {answer.text[:400]}"
    )


def test_another_role_in_a_template_changes_nothing(it: It) -> None:
    sql = "select case_no from fct_cases where {{ url_param('w') or '1 = 1' }} or {{ template }}"
    answer = it.county.sql(
        sql,
        queryLimit=50_000,
        templateParams='{"template": "1 = 1", "own_rows": "1 = 1", "current_user_roles": "市级"}',
    )
    found = it.seen(answer)
    assert found == it.ours, answer.text[:400]


def test_a_table_of_ones_own_cannot_be_made_of_a_result(it: It) -> None:
    for method in ("TABLE", "VIEW"):
        answer = it.county.sql(
            "select * from fct_cases", select_as_cta=True, ctas_method=method, tmp_table_name="mine"
        )
        assert answer.status_code >= 400


def test_neither_cost_nor_validation_runs_anything_else(it: It) -> None:
    body: dict[str, Any] = {"sql": "select * from dim_persons", "schema": "main", "database_id": 1}
    assert it.county.post("/api/v1/sqllab/estimate/", body).status_code >= 400
    checked = it.county.post("/api/v1/database/1/validate_sql/", {"sql": body["sql"], "schema": "main"})
    assert checked.status_code >= 400 or not it.seen(checked)


def test_who_only_reads_dashboards_has_no_sql_lab(it: It) -> None:
    assert it.superset.log_in("reader").sql("select 1").status_code == 403


def test_an_analyst_without_rows_reads_nothing(it: It) -> None:
    answer = it.superset.log_in("nobody").sql("select * from fct_cases")
    assert answer.status_code >= 400
