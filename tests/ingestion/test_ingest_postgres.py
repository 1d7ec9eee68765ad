"""Rows of a real PostgreSQL, by window, with everything that can be wrong with them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

import ingestion
from wangting.errors import WangtingError

SOURCE = """
connect: postgres
url: ${BUREAU_URL}
tables:
  cases:
    title: 办件
    key: [nr]
    cursor: changed
    lag: 10 minutes
    columns: {nr: string, amount: "decimal(16, 2)", days: int, changed: timestamp}
  kinds:
    title: 类别
    key: [code]
    columns: {code: string, name: string}
"""
ABROAD = """
connect: postgres
url: ${ABROAD_URL}
tables:
  events:
    title: 事件
    key: [nr]
    cursor: at
    columns: {nr: string, at: timestamp, seen: timestamp}
"""
TABLES = """
CREATE TABLE cases (nr text, amount numeric, days int, changed timestamp);
CREATE INDEX ON cases (changed);
CREATE TABLE kinds (code text, name text);
INSERT INTO cases SELECT 'c' || i, i / 100.0, i % 7, timestamp '2017-11-30 08:00' + i * interval '1 second'
FROM generate_series(1, 500) i;
INSERT INTO kinds VALUES ('01', '许可'), ('02', NULL);
"""


class Bureau:
    """A department's database, connected."""

    def __init__(self, city: Any, postgres: Any) -> None:
        self.city, self._server = city, postgres
        self.url = postgres.create(TABLES)
        city.declare("bureau", SOURCE)
        city.set("BUREAU_URL", self.url)

    def run(self, sql: str) -> str:
        return str(self._server.run(self.url, sql))

    def numbers(self) -> list[str]:
        return sorted(row["nr"] for row in self.city.landed("bureau", "cases"))


@pytest.fixture
def bureau(city: Any, postgres: Any) -> Bureau:
    return Bureau(city, postgres)


def test_a_first_pull_lands_every_row_with_its_lineage(bureau: Bureau) -> None:
    result = ingestion.pull_table("bureau", "cases")
    assert (result.state, result.rows, result.warnings) == ("committed", 500, [])
    assert result.load_id == "bureau-cases-20171201T080000-1"
    row = next(row for row in bureau.city.landed("bureau", "cases") if row["nr"] == "c7")
    assert row["amount"] == Decimal("0.07") and row["days"] == 0
    assert row["changed"] == datetime(2017, 11, 30, 8, 0, 7)
    assert (row["_source"], row["_table"], row["_load_id"]) == ("bureau", "cases", result.load_id)
    assert row["_loaded_at"] == datetime(2017, 12, 1, 8) and row["_row_hash"]
    [load] = bureau.city.loads(table_name="cases")
    assert (load["state"], load["commit_seq"], load["rows"], load["window_low"]) == (
        "committed",
        1,
        500,
        None,
    )
    assert load["path"] == f"landing/bureau/cases/load_date=2017-12-01/{result.load_id}.parquet"
    assert [file.relative_to(bureau.city.home).as_posix() for file in bureau.city.visible()] == [load["path"]]


def test_a_pull_without_news_writes_no_file_and_keeps_one_empty_load(bureau: Bureau) -> None:
    ingestion.pull_table("bureau", "cases")
    for minute in range(10, 60, 10):
        bureau.city.at(f"2017-12-01 08:{minute}")
        assert ingestion.pull_table("bureau", "cases").state == "empty"
    assert len(bureau.city.visible()) == 1
    [empty] = bureau.city.loads(state="empty")
    assert empty["window_high"].startswith("2017-12-01 08:50") and empty["path"] is None


def test_late_commits_inside_the_lag_and_equal_cursors_are_not_lost(bureau: Bureau) -> None:
    bureau.run("INSERT INTO cases VALUES ('border', 1, 1, '2017-12-01 08:00')")
    ingestion.pull_table("bureau", "cases")
    bureau.run(
        "INSERT INTO cases VALUES ('late', 1, 1, '2017-12-01 07:50'), ('equal', 1, 1, '2017-12-01 08:00')"
    )
    bureau.run("INSERT INTO cases VALUES ('future', 1, 1, '2017-12-01 08:30')")
    assert ingestion.pull_table("bureau", "cases").rows == 2
    bureau.city.at("2017-12-01 09:00")
    assert ingestion.pull_table("bureau", "cases").rows == 1
    assert len(bureau.numbers()) == 504 == len(set(bureau.numbers()))


def test_a_row_rewritten_in_place_lands_each_time_also_back_to_what_it_was(bureau: Bureau) -> None:
    ingestion.pull_table("bureau", "cases")
    for minute, days in ((10, 99), (20, 1)):
        bureau.city.at(f"2017-12-01 08:{minute}")
        bureau.run(f"UPDATE cases SET days = {days}, changed = '2017-12-01 08:{minute}' WHERE nr = 'c1'")
        assert ingestion.pull_table("bureau", "cases").rows == 1
    states = [row["days"] for row in bureau.city.landed("bureau", "cases") if row["nr"] == "c1"]
    assert sorted(states) == [1, 1, 99]


def test_a_table_without_cursor_lands_changes_only_also_back_to_what_it_was(bureau: Bureau) -> None:
    assert ingestion.pull_table("bureau", "kinds").rows == 2
    assert ingestion.pull_table("bureau", "kinds").state == "empty"
    for name, rows in (("审批", 1), ("许可", 1), ("许可", 0)):
        bureau.run(f"UPDATE kinds SET name = '{name}' WHERE code = '01'")
        assert ingestion.pull_table("bureau", "kinds").rows == rows
    assert [row["name"] for row in bureau.city.landed("bureau", "kinds") if row["code"] == "01"].count(
        "许可"
    ) == 2


def test_null_and_empty_text_and_shifted_values_have_hashes_of_their_own(bureau: Bureau) -> None:
    bureau.run("DELETE FROM kinds; INSERT INTO kinds VALUES ('a', NULL), ('a', ''), ('ab', 'c'), ('a', 'bc')")
    ingestion.pull_table("bureau", "kinds")
    assert len({row["_row_hash"] for row in bureau.city.landed("bureau", "kinds")}) == 4


def test_a_full_pull_lands_what_the_windows_missed_and_nothing_twice(bureau: Bureau) -> None:
    ingestion.pull_table("bureau", "cases")
    bureau.run("INSERT INTO cases VALUES ('very late', 1, 1, '2017-11-01'), ('no time', 1, 1, NULL)")
    assert ingestion.pull_table("bureau", "cases").state == "empty"
    result = ingestion.pull_table("bureau", "cases", full=True)
    assert result.rows == 2 and "1 行 changed 为空" in result.warnings[0]
    assert ingestion.pull_table("bureau", "cases", full=True).state == "empty"


def test_times_of_another_zone_become_the_citys(city: Any, postgres: Any) -> None:
    url = postgres.create(
        "CREATE TABLE events (nr text, at timestamp, seen timestamptz);"
        "INSERT INTO events VALUES ('a', '2017-11-30 23:00', '2017-11-30 12:00+00'),"
        " ('b', '2017-12-01 00:30', '2017-12-01 01:00+00')"
    )
    city.declare("abroad", ABROAD)
    file = city.folder / "sources/abroad/source.yml"
    file.write_text(file.read_text("utf-8").replace("Asia/Shanghai", "Europe/Amsterdam"), "utf-8")
    city.set("ABROAD_URL", url)
    city.at("2017-12-01 07:00")  # midnight in Amsterdam
    assert ingestion.pull_table("abroad", "events").rows == 1
    city.at("2017-12-01 08:00")
    assert ingestion.pull_table("abroad", "events").rows == 1
    assert [(row["at"], row["seen"]) for row in city.landed("abroad", "events")] == [
        (datetime(2017, 12, 1, 6, 0), datetime(2017, 11, 30, 20, 0)),
        (datetime(2017, 12, 1, 7, 30), datetime(2017, 12, 1, 9, 0)),
    ]


def test_a_new_column_warns_and_is_landed(bureau: Bureau) -> None:
    ingestion.pull_table("bureau", "cases")
    bureau.run(
        "ALTER TABLE cases ADD COLUMN opened date;"
        "INSERT INTO cases VALUES ('n', 1, 1, '2017-12-01 08:00', '2017-11-11')"
    )
    [result] = [result for result in ingestion.pull(["bureau"]) if result.table == "cases"]
    assert result.is_ok and "未声明的列 opened" in result.warnings[0]
    assert next(row for row in bureau.city.landed("bureau", "cases") if row["nr"] == "n")["opened"] == date(
        2017, 11, 11
    )
    [load] = bureau.city.loads(load_id=result.load_id)
    assert "opened" in load["warning"]


def test_a_lost_column_stops_that_table_only_and_heals(bureau: Bureau) -> None:
    bureau.run("ALTER TABLE cases RENAME COLUMN days TO dayz")
    cases, kinds = ingestion.pull(["bureau"])
    assert (cases.state, kinds.state) == ("failed", "committed")
    assert cases.errors == [
        "【系统bureau bureau.cases】来源缺少列 days；请来源恢复该列，或在 source.yml 中改正 columns。"
    ]
    [load] = bureau.city.loads(state="failed")
    assert load["error"] == cases.errors[0]
    bureau.run("ALTER TABLE cases RENAME COLUMN dayz TO days")
    bureau.city.at("2017-12-01 08:10")
    assert ingestion.pull_table("bureau", "cases").rows == 500
    assert bureau.city.loads(state="failed") == []


def test_a_lost_cursor_and_a_lost_table_are_named(bureau: Bureau) -> None:
    ingestion.pull_table("bureau", "cases")
    bureau.run("ALTER TABLE cases RENAME COLUMN changed TO moved; DROP TABLE kinds")
    cases, kinds = ingestion.pull(["bureau"])
    assert "来源缺少列 changed" in cases.errors[0]
    assert "来源没有表 public.kinds" in kinds.errors[0]


@pytest.mark.parametrize("pulls_before", [0, 1])
def test_a_wrong_type_names_the_column_and_the_first_keys(bureau: Bureau, pulls_before: int) -> None:
    for _ in range(pulls_before):
        ingestion.pull_table("bureau", "cases")
    bureau.run(
        "ALTER TABLE cases ALTER COLUMN days TYPE text;"
        "UPDATE cases SET days = 'soon', changed = '2017-12-01 07:55' WHERE nr IN ('c1', 'c2', 'c3', 'c4');"
        "UPDATE cases SET days = '1.5', changed = '2017-12-01 07:55' WHERE nr = 'c5'"
    )
    [cases, _] = ingestion.pull(["bureau"])
    assert cases.state == "failed"
    assert "列 days 应为 int，有 5 个值不是（nr 为 c1、c2、c3 等）" in cases.errors[0]
    assert "soon" not in cases.errors[0]
    assert len(bureau.city.visible()) == 1 + pulls_before  # of kinds, and what was there before


def test_a_source_that_is_down_is_named_and_the_others_go_on(bureau: Bureau) -> None:
    bureau.city.declare("away", SOURCE.replace("BUREAU_URL", "AWAY_URL"))
    bureau.city.set("AWAY_URL", "postgresql://reader:s3cret-word@127.0.0.1:1/city")
    away, also_away, cases, kinds = ingestion.pull()
    assert (
        "系统away" in away.errors[0]
        and "连不上来源" in away.errors[0]
        and "检查来源是否在运行" in away.errors[0]
    )
    assert away.errors == also_away.errors and also_away.state == "failed"
    assert cases.is_ok and kinds.is_ok
    said = str([away.errors, bureau.city.loads()])
    assert "s3cret-word" not in said and "reader:" not in said


def test_a_wrong_password_is_refused_without_being_shown(bureau: Bureau, postgres: Any) -> None:
    bureau.run("CREATE ROLE reader LOGIN PASSWORD 'right-word'; GRANT SELECT ON kinds TO reader")
    postgres.require_password("reader")
    database = bureau.url.partition("@/")[2].partition("?")[0]
    bureau.city.set("BUREAU_URL", postgres.url(database, user="reader", password="wr0ng-word"))
    with pytest.raises(WangtingError, match="用户名或密码被拒绝") as caught:
        ingestion.pull_table("bureau", "kinds")
    assert "wr0ng-word" not in str(caught.value) + str(bureau.city.loads())
    bureau.city.set("BUREAU_URL", postgres.url(database, user="reader", password="right-word"))
    assert ingestion.pull_table("bureau", "kinds").rows == 2
    with pytest.raises(WangtingError, match="没有读取权限"):
        ingestion.pull_table("bureau", "cases")


def test_a_missing_database_and_a_missing_variable_are_named(
    bureau: Bureau, postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau.city.set("BUREAU_URL", postgres.url("nowhere"))
    with pytest.raises(WangtingError, match="数据库不存在"):
        ingestion.pull_table("bureau", "cases")
    monkeypatch.delenv("BUREAU_URL")
    with pytest.raises(
        WangtingError, match=r"系统bureau bureau】没有设置环境变量 BUREAU_URL；设置 BUREAU_URL"
    ):
        ingestion.pull_table("bureau", "cases")
