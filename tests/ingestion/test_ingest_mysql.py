"""Rows of a real MariaDB, by window, with the types and dates that only these servers have."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

import ingestion
from tests.ingestion.mariadb import MariaDB
from wangting.errors import WangtingError

SOURCE = """
connect: mysql
url: ${BUREAU_URL}
tables:
  cases:
    title: 办件
    key: [nr]
    cursor: changed
    lag: 10 minutes
    columns: {nr: bigint, name: string, amount: "decimal(16, 2)", days: int, is_done: boolean, changed: timestamp}
  kinds:
    title: 类别
    key: [code]
    columns: {code: string, name: string}
"""
TABLES = """
CREATE TABLE cases (nr bigint PRIMARY KEY AUTO_INCREMENT, name varchar(40) COLLATE utf8mb4_bin, amount decimal(16,2),
    days tinyint(1), is_done bit(1), changed datetime(6), KEY (changed));
INSERT INTO cases SELECT seq, concat('事项𠀀', seq), seq / 100, seq % 7, seq % 2,
    timestamp('2017-11-30 08:00:00') + INTERVAL seq SECOND FROM seq_1_to_500;
CREATE TABLE kinds (code char(4), name varchar(40)) CHARACTER SET gbk;
INSERT INTO kinds VALUES ('01', '许可囧'), ('02', NULL);
"""


class Bureau:
    """A department's database, connected."""

    def __init__(self, city: Any, server: MariaDB) -> None:
        self.city, self.server = city, server
        self.url = server.create(TABLES)
        self.database = self.url.rpartition("/")[2]
        city.declare("bureau", SOURCE)
        city.set("BUREAU_URL", self.url)

    def run(self, sql: str) -> str:
        return self.server.run(self.database, sql)

    def case(self, number: int) -> dict[str, Any]:
        [row] = [row for row in self.city.landed("bureau", "cases") if row["nr"] == number]
        return row


@pytest.fixture
def bureau(city: Any, mariadb: MariaDB) -> Bureau:
    return Bureau(city, mariadb)


def pull(table: str = "cases", **how: Any) -> Any:
    return ingestion.pull_table("bureau", table, **how)


def test_a_first_pull_lands_every_row_in_its_type(bureau: Bureau) -> None:
    result = pull()
    assert (result.state, result.rows, result.warnings) == ("committed", 500, [])
    row = bureau.case(7)
    assert (row["name"], row["amount"]) == ("事项𠀀7", Decimal("0.07"))
    assert (row["days"], row["is_done"]) == (0, True)  # a TINYINT(1) is a number
    assert bureau.case(6)["days"] == 6
    assert row["changed"] == datetime(2017, 11, 30, 8, 0, 7)
    assert pull("kinds").rows == 2
    assert [row["name"] for row in bureau.city.landed("bureau", "kinds")] == ["许可囧", None]


def test_windows_bring_what_is_new_once_and_keep_texts_of_a_binary_collation(bureau: Bureau) -> None:
    pull()
    assert pull().state == "empty"
    bureau.run(
        "INSERT INTO cases VALUES (1001, '迟', 1, 1, 1, '2017-12-01 07:50:00'),"
        " (1002, '同', 1, 1, 1, '2017-12-01 08:00:00'), (1003, '后', 1, 1, 1, '2017-12-01 08:00:00.000001'),"
        " (1004, '无', 1, 1, 1, NULL)"
    )
    assert pull().rows == 2
    assert bureau.case(1002)["name"] == "同"
    bureau.city.at("2017-12-01 08:10")
    assert pull().rows == 1
    bureau.run("UPDATE cases SET days = 9, changed = '2017-12-01 08:20:00' WHERE nr = 1")
    bureau.city.at("2017-12-01 08:20")
    assert pull().rows == 1
    assert pull(full=True).rows == 1  # the row without a time
    assert pull(full=True).state == "empty"


def test_a_datetime_is_the_sources_wall_clock_and_a_timestamp_a_moment(city: Any, mariadb: MariaDB) -> None:
    url = mariadb.create(
        "CREATE TABLE events (nr varchar(9), at datetime, seen timestamp NULL, KEY (at));"
        "INSERT INTO events VALUES ('a', '2017-11-30 21:00:00', '2017-11-30 12:00:00'),"  # the session is in UTC
        " ('b', '2017-11-30 22:30:00', '2017-12-01 01:00:00')"
    )
    declared = SOURCE[: SOURCE.index("  cases:")] + (
        "  events: {title: 事件, key: [nr], cursor: at, columns: {nr: string, at: timestamp, seen: timestamp}}\n"
    )
    file = city.declare("abroad", declared)
    file.write_text(file.read_text("utf-8").replace("Asia/Shanghai", "Asia/Dubai"), "utf-8")
    city.set("BUREAU_URL", url)
    city.at("2017-12-01 02:00")  # 22:00 there
    assert ingestion.pull_table("abroad", "events").rows == 1
    city.at("2017-12-01 03:00")
    assert ingestion.pull_table("abroad", "events").rows == 1
    assert [(row["at"], row["seen"]) for row in city.landed("abroad", "events")] == [
        (datetime(2017, 12, 1, 1, 0), datetime(2017, 11, 30, 20, 0)),
        (datetime(2017, 12, 1, 2, 30), datetime(2017, 12, 1, 9, 0)),
    ]


def test_a_moment_may_be_the_cursor_as_well(city: Any, mariadb: MariaDB) -> None:
    city.declare("bureau", SOURCE)
    city.set(
        "BUREAU_URL",
        mariadb.create(TABLES.replace("datetime(6)", "timestamp NULL").replace("timestamp('", "('")),
    )
    pull()
    city.at("2017-12-01 08:20")
    mariadb.run(
        city_database(mariadb),
        "SET time_zone='+08:00'; UPDATE cases SET changed = '2017-12-01 08:15' WHERE nr < 3",
    )
    assert pull().rows == 2


def city_database(server: MariaDB) -> str:
    return server.run("mysql", "SHOW DATABASES LIKE 'db%'").split()[-1]


def test_a_zero_date_is_none_and_an_impossible_one_stops_the_table(bureau: Bureau) -> None:
    bureau.run("ALTER TABLE kinds ADD COLUMN since date, ADD COLUMN seen datetime")
    bureau.run("UPDATE kinds SET since = '0000-00-00', seen = '0000-00-00 00:00:00'")
    result = pull("kinds")
    assert "未声明的列 since、seen" in result.warnings[0]
    assert [(row["since"], row["seen"]) for row in bureau.city.landed("bureau", "kinds")] == [
        (None, None)
    ] * 2
    bureau.run("UPDATE kinds SET since = '2017-02-00' WHERE code = '01'")
    with pytest.raises(WangtingError, match=r"bureau\.kinds】来源有不存在的日期（如 2017-2-0）；请来源更正"):
        pull("kinds")
    bureau.run("UPDATE kinds SET since = '2017-02-01' WHERE code = '01'")
    assert pull("kinds").rows == 1
    assert date(2017, 2, 1) in [row["since"] for row in bureau.city.landed("bureau", "kinds")]


def test_a_number_is_no_truth_unless_it_is_nought_or_one(bureau: Bureau) -> None:
    bureau.run("ALTER TABLE cases MODIFY is_done tinyint(1); UPDATE cases SET is_done = 2 WHERE nr IN (3, 5)")
    with pytest.raises(WangtingError, match=r"列 is_done 应为 boolean，有 2 个值不是（nr 为 3、5）"):
        pull()


def test_a_new_column_warns_a_lost_one_and_a_lost_table_stop(bureau: Bureau) -> None:
    bureau.run("ALTER TABLE cases ADD COLUMN note text, DROP COLUMN days; DROP TABLE kinds")
    cases, kinds = ingestion.pull(["bureau"])
    assert "来源缺少列 days" in cases.errors[0]
    assert f"来源没有表 {bureau.database}.kinds" in kinds.errors[0]
    bureau.run("ALTER TABLE cases ADD COLUMN days int")
    assert "未声明的列 note" in pull().warnings[0]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://reader:s3cret-word@127.0.0.1:{port}/{database}", "用户名或密码被拒绝"),
        ("mysql://nobody:s3cret-word@127.0.0.1:{port}/{database}", "用户名或密码被拒绝"),
        ("mysql://reader:{password}@127.0.0.1:{port}/nowhere", "数据库不存在，或该用户不能使用它"),
        ("mysql://reader:s3cret-word@127.0.0.1:1/{database}", "连不上来源"),
        ("mysql://reader:s3cret-word@127.0.0.1:{port}/{database}?oddity=1", "连接地址写法不对"),
    ],
)
def test_a_refusal_is_one_sentence_without_the_secret(bureau: Bureau, url: str, said: str) -> None:
    parts = {"port": bureau.server.port, "database": bureau.database, "password": "right%2Fword%401%3F"}
    bureau.city.set("BUREAU_URL", url.format(**parts))
    cases, kinds = ingestion.pull(["bureau"])
    assert f"【系统bureau bureau】{said}" in cases.errors[0]
    assert kinds.errors == cases.errors  # the second was not tried
    told = str([cases.errors, bureau.city.loads()])
    assert not any(
        word in told for word in ("s3cret-word", "right/word", "right%2F", "reader:", "mysql://reader")
    )


def test_an_error_in_the_middle_of_reading_is_told_without_the_address(bureau: Bureau) -> None:
    bureau.run(
        "CREATE VIEW odd AS SELECT nr, IF(nr = 400, (SELECT 1 UNION SELECT 2), name) AS name FROM cases"
    )
    declared = SOURCE.replace("key: [code]", "key: [nr]\n    relation: odd").replace(
        "{code: string", "{nr: bigint"
    )
    bureau.city.declare("bureau", declared)
    with pytest.raises(WangtingError, match=r"bureau\.kinds】读取失败") as caught:
        pull("kinds")
    assert "127.0.0.1" not in str(caught.value) and "right" not in str(caught.value)
