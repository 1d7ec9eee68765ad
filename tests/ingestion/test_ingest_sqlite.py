"""Rows of an SQLite file, in which a column may hold values of any type."""

import sqlite3
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import ingestion
from wangting.errors import WangtingError

SOURCE = """
connect: sqlite
url: ${HALL_FILE}
tables:
  visits:
    title: 到厅
    key: [nr]
    cursor: at
    lag: 10 minutes
    columns: {nr: string, fee: "decimal(16, 2)", days: int, is_done: boolean, at: timestamp}
  windows:
    title: 窗口
    key: [code]
    columns: {code: string, name: string}
"""
TABLES = """
CREATE TABLE visits (nr text, fee numeric, days integer, is_done boolean, at datetime);
CREATE INDEX by_time ON visits (at);
CREATE TABLE windows (code text, name text, photo blob);
INSERT INTO visits VALUES ('v1', 1.5, 1, 1, '2017-11-30 08:00:00'), ('v2', '2.25', NULL, 0, '2017-11-30T09:00:00'),
    ('v3', 3, 0, 1, '2017-11-30T02:00:00Z'), ('v4', NULL, 0, 1, NULL);
INSERT INTO windows VALUES ('01', '一号', x'ff00');
"""


class Hall:
    """A hall's file, connected."""

    def __init__(self, city: Any, file: Path) -> None:
        self.city, self.file = city, file
        city.declare("hall", SOURCE)
        city.set("HALL_FILE", str(file))
        self.run(TABLES)

    def run(self, sql: str) -> None:
        connection = sqlite3.connect(self.file)
        connection.executescript(sql)
        connection.close()


@pytest.fixture
def hall(city: Any, tmp_path: Path) -> Hall:
    return Hall(city, tmp_path / "hall.sqlite")


def pull(table: str = "visits", **how: Any) -> Any:
    return ingestion.pull_table("hall", table, **how)


def test_texts_and_numbers_of_one_column_land_in_the_declared_type(hall: Hall) -> None:
    assert pull().rows == 4
    rows = {row["nr"]: row for row in hall.city.landed("hall", "visits")}
    assert [rows[nr]["fee"] for nr in ("v1", "v2", "v3")] == [Decimal("1.50"), Decimal("2.25"), Decimal(3)]
    assert [rows[nr]["at"] for nr in ("v1", "v2", "v3", "v4")] == [
        datetime(2017, 11, 30, 8),
        datetime(2017, 11, 30, 9),
        datetime(2017, 11, 30, 10),
        None,
    ]
    assert (rows["v1"]["is_done"], rows["v2"]["is_done"], rows["v2"]["days"]) == (True, False, None)


def test_bytes_are_landed_as_digits_with_a_warning(hall: Hall) -> None:
    assert "未声明的列 photo" in pull("windows").warnings[0]
    [row] = hall.city.landed("hall", "windows")
    assert (row["name"], row["photo"]) == ("一号", "FF00")
    assert pull("windows").state == "empty"


def test_windows_bring_what_is_new_once_however_the_time_is_written(hall: Hall) -> None:
    pull()
    assert pull().state == "empty"
    hall.run(
        "INSERT INTO visits VALUES ('v5', 1, 1, 1, '2017-12-01 07:55:00'), ('v6', 1, 1, 1, '2017-12-01T08:00:00'),"
        " ('v7', 1, 1, 1, '2017-12-01T00:05:00Z'), ('v8', 1, 1, 1, '2017-12-01 08:06')"
    )
    assert pull().rows == 2
    hall.city.at("2017-12-01 08:10")
    assert pull().rows == 2
    assert len(hall.city.landed("hall", "visits")) == 8


def test_a_number_where_a_time_belongs_is_refused_by_key_in_every_pull(hall: Hall) -> None:
    hall.run("INSERT INTO visits VALUES ('v9', 1, 'some', 1, '2017-12-01 08:00')")
    with pytest.raises(WangtingError, match="列 days 应为 int，有 1 个值不是（nr 为 v9）"):
        pull()
    hall.run("DELETE FROM visits WHERE nr = 'v9'")
    pull()
    hall.run("INSERT INTO visits VALUES ('v9', 1, 1, 1, 1512086400)")
    with pytest.raises(WangtingError, match="列 at 应为 timestamp，有 1 个值不是（nr 为 v9）"):
        pull()


def test_text_in_another_encoding_is_told(hall: Hall) -> None:
    hall.run("INSERT INTO windows VALUES ('02', cast(x'd6d0' AS text), NULL)")
    with pytest.raises(WangtingError, match="数据库中有文字不是 UTF-8 编码"):
        pull("windows")


def test_a_lost_column_table_and_file_are_named(hall: Hall) -> None:
    hall.run("ALTER TABLE visits RENAME COLUMN days TO dayz; DROP TABLE windows")
    visits, windows = ingestion.pull(["hall"])
    assert "来源缺少列 days" in visits.errors[0] and "来源没有表 windows" in windows.errors[0]
    hall.file.write_bytes(b"no database at all" * 400)
    visits, windows = ingestion.pull(["hall"])
    assert "不是 SQLite 数据库文件" in visits.errors[0] and windows.errors == visits.errors
    hall.file.unlink()
    with pytest.raises(WangtingError, match="数据库文件不存在或无法读取"):
        pull()
    assert not hall.file.exists()
