"""Workbooks and CSV files in a folder: merged headers, odd encodings, broken and growing files."""

import os
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import ingestion
from ingestion import files
from wangting import ledger
from wangting.errors import WangtingError

NAMES = ["编号", "姓名", "事项", "受理日期", "办结日期", "备注"]
SOURCE = """
connect: files
url: ${DROP}
tables:
  register:
    title: 登记表
    key: [编号]
    pattern: "**/*.xlsx"
    header_row: 4
    header_levels: 2
    first_row: 5
    file_date: '(\\d{4})-?(\\d{2})-?(\\d{2})'
    columns: {编号: string, 姓名: string, 事项: string, 受理日期: string, 办结日期: string, 备注: string}
"""
CSV = """
connect: files
url: ${DROP}
tables:
  lines:
    title: 明细
    key: [编号]
    pattern: "*.csv"
    encoding: gbk
    columns: {编号: string, 天数: int, 备注: string}
"""


def workbook(file: Path, rows: list[list[Any]], names: list[str] = NAMES, sheet: str = "登记表") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    page["A1"] = "某镇便民服务中心办事登记表"
    page.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(names))
    page["A2"] = "说明：请勿改动表头"
    for column, name in enumerate(names, 1):
        if name.endswith("日期"):
            page.cell(4, column, name)
        else:
            page.cell(3, column, f"{name}\n（必填）")
            page.merge_cells(start_row=3, end_row=4, start_column=column, end_column=column)
    page.cell(3, 4, "办理")
    page.merge_cells("D3:E3")
    for number, row in enumerate(rows, 5):
        for column, value in enumerate(row, 1):
            page.cell(number, column, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)
    return old(file)


def old(file: Path) -> Path:
    """As if it had lain there for an hour."""
    os.utime(file, (time.time() - 3600, time.time() - 3600))
    return file


def row(number: int, closed: str | None = None) -> list[Any]:
    return [f"n{number}", "某人", "某事", "2017-11-30 15:02", closed, None]


@pytest.fixture
def drop(city: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    city.declare("town", SOURCE)
    city.set("DROP", str(folder))
    return folder


def pull() -> Any:
    return ingestion.pull_table("town", "register")


def test_new_workbooks_land_as_one_load_and_only_once(city: Any, drop: Path) -> None:
    workbook(drop / "甲镇_2017-11-30.xlsx", [row(1), row(2)])
    workbook(drop / "乙镇/20171130.xlsx", [row(3)])
    result = pull()
    assert (result.state, result.rows, result.warnings) == ("committed", 3, [])
    one = next(one for one in city.landed("town", "register") if one["编号"] == "n2")
    assert (one["_file"], one["_file_row"], one["_file_date"]) == (
        "甲镇_2017-11-30.xlsx",
        6,
        date(2017, 11, 30),
    )
    assert one["受理日期"] == "2017-11-30 15:02" and one["备注"] is None
    assert (city.home / "raw/town/register" / result.load_id / "乙镇/20171130.xlsx").is_file()
    assert pull().state == "empty"
    workbook(drop / "甲镇_2017-12-01.xlsx", [row(1, "2017-12-01 09:00")])
    assert pull().rows == 1
    assert len(ledger.rows(ledger.taken_files.select())) == 3
    assert ingestion.pull_table("town", "register", full=True).state == "empty"


def test_blank_rows_are_left_out_and_row_numbers_stay_the_sheets_own(city: Any, drop: Path) -> None:
    workbook(drop / "2017-11-30.xlsx", [row(1), [None] * 6, row(2), ["", " ", None, "", "", ""], [None] * 6])
    assert pull().rows == 2
    assert [one["_file_row"] for one in city.landed("town", "register")] == [5, 7]


def test_a_long_workbook_lands_whole(city: Any, drop: Path) -> None:
    workbook(drop / "2017-11-30.xlsx", [row(number) for number in range(3000)])
    assert pull().rows == 3000


def test_unreadable_files_are_named_and_the_others_land(city: Any, drop: Path) -> None:
    workbook(drop / "2017-11-30好.xlsx", [row(1)])
    for name, content in (
        ("假", b"no zip"),
        ("空", b""),
        ("半", (drop / "2017-11-30好.xlsx").read_bytes()[:2000]),
    ):
        (drop / f"2017-11-30{name}.xlsx").write_bytes(content)
        old(drop / f"2017-11-30{name}.xlsx")
    workbook(drop / "2017-11-30缺列.xlsx", [row(2)], ["编号", "姓名", "事由", "受理日期", "办结日期", "备注"])
    workbook(drop / "无日期.xlsx", [row(2)])
    with pytest.raises(WangtingError) as caught:
        pull()
    said = str(caught.value)
    for name, what in (
        ("2017-11-30假.xlsx", "不是有效的 .xlsx 文件"),
        ("2017-11-30空.xlsx", "文件是空的"),
        ("2017-11-30半.xlsx", "不是有效的 .xlsx 文件"),
        ("2017-11-30缺列.xlsx", "表头缺少列 事项"),
        ("无日期.xlsx", "文件名中没有日期"),
    ):
        assert f"【系统town town.register {name}】{what}；" in said
    assert [one["编号"] for one in city.landed("town", "register")] == ["n1"]
    [result] = ingestion.pull(["town"])
    assert len(result.errors) == 5 and result.state == "failed"  # named again until they are mended
    for name in ("假", "空", "半"):
        (drop / f"2017-11-30{name}.xlsx").unlink()
    (drop / "无日期.xlsx").unlink()
    workbook(drop / "2017-11-30缺列.xlsx", [row(2)])
    assert pull().rows == 1


def test_a_workbook_without_the_declared_sheet_is_named(city: Any, drop: Path) -> None:
    city.declare("town", SOURCE.replace("header_row", "sheet: 台账\n    header_row", 1))
    workbook(drop / "2017-11-30.xlsx", [row(1)])
    with pytest.raises(WangtingError, match="没有工作表「台账」"):
        pull()


def test_moved_columns_go_by_name_and_new_ones_are_landed_with_a_warning(city: Any, drop: Path) -> None:
    names = ["编号", "事项", "姓名", "受理日期", "办结日期", "备注", "电话"]
    workbook(drop / "2017-11-30.xlsx", [["n1", "某事", "某人", "x", None, None, "123"]], names)
    result = pull()
    assert "姓名、事项 不在模板的位置上" in result.warnings[0] and "未声明的列 电话" in result.warnings[1]
    [one] = city.landed("town", "register")
    assert (one["姓名"], one["事项"], one["电话"]) == ("某人", "某事", "123")


def test_a_growing_file_and_temporary_names_wait_for_the_next_run(
    city: Any, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_SETTLED", 0.6)
    fresh = workbook(drop / "2017-11-30.xlsx", [row(1)])
    os.utime(fresh)
    for name in ("~$2017-11-30.xlsx", "2017-12-01.xlsx.part", ".2017-12-01.xlsx"):
        (drop / name).write_bytes(b"half")
    growing = drop / "2017-12-02.xlsx"
    done = threading.Event()

    def write() -> None:
        with growing.open("ab") as out:
            while not done.wait(0.05):
                out.write(b"more")
                out.flush()

    writer = threading.Thread(target=write)
    growing.write_bytes(b"half")
    writer.start()
    try:
        assert pull().rows == 1  # a fresh file that stands still is taken
    finally:
        done.set()
        writer.join()
    workbook(growing, [row(2)])
    assert pull().rows == 1


def test_a_folder_that_is_gone_is_named(city: Any, drop: Path) -> None:
    drop.rmdir()
    with pytest.raises(WangtingError, match=r"系统town.*文件夹不存在或无法访问；检查共享目录是否已挂载"):
        pull()


@pytest.fixture
def lines(city: Any, drop: Path) -> Path:
    city.declare("town", CSV)
    return drop


def test_gbk_csv_lands_in_order_with_quotes_and_breaks(city: Any, lines: Path) -> None:
    text = '编号,天数,备注\r\n001,3,"甲,乙"\r\n002,,"两\r\n行"\r\n,,\r\n003, 5 ,囧\r\n'
    (lines / "a.csv").write_bytes(text.encode("gbk"))
    old(lines / "a.csv")
    assert ingestion.pull_table("town", "lines").rows == 3
    found = city.landed("town", "lines")
    assert [(one["编号"], one["天数"], one["备注"], one["_file_row"]) for one in found] == [
        ("001", 3, "甲,乙", 2),
        ("002", None, "两\r\n行", 3),
        ("003", 5, "囧", 5),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("编号,天数,备注\n1,2,名\n".encode(), "文件不是 gbk 编码"),
        (b"", "文件是空的"),
        ("编号,备注\n1,x\n".encode("gbk"), "表头缺少列 天数"),
        ("编号,编号,天数,备注\n1,1,1,x\n".encode("gbk"), "列名重复：编号"),
        ("编号,天数,备注\n1,2,x\n2,三,x\n".encode("gbk"), "列 天数 应为 int，有 1 个值不是（第 3 行）"),
        ("编号,天数,备注\n1,2\n".encode("gbk"), "文件读不下去"),
    ],
)
def test_a_bad_csv_is_one_sentence_and_the_good_one_lands(
    city: Any, lines: Path, content: bytes, said: str
) -> None:
    (lines / "good.csv").write_bytes("编号,天数,备注\n9,9,好\n".encode("gbk"))
    (lines / "bad.csv").write_bytes(content)
    for file in lines.iterdir():
        old(file)
    with pytest.raises(WangtingError) as caught:
        ingestion.pull_table("town", "lines")
    assert "bad.csv】" in str(caught.value) and said in str(caught.value)
    assert [one["编号"] for one in city.landed("town", "lines")] == ["9"]


def test_a_file_put_back_as_it_was_before_counts_again(city: Any, drop: Path) -> None:
    file = drop / "2017-11-30.xlsx"
    workbook(file, [row(1), row(2)])
    first = file.read_bytes()
    assert pull().rows == 2
    city.at("2017-12-01 09:00")
    workbook(file, [row(1, "2017-11-30 16:00"), row(2)])
    assert pull().rows == 1
    city.at("2017-12-01 10:00")
    file.write_bytes(first)
    old(file)
    assert pull().rows == 1  # the line that was changed, as it was
    city.at("2017-12-01 11:00")
    (drop / "2017-11-30副本.xlsx").write_bytes(first)
    old(drop / "2017-11-30副本.xlsx")
    assert pull().state == "empty"
    newest = max(
        (one for one in city.landed("town", "register") if one["编号"] == "n1"),
        key=lambda one: one["_loaded_at"],
    )
    assert newest["办结日期"] is None


def test_rows_without_their_key_are_counted_in_a_warning(city: Any, drop: Path) -> None:
    workbook(drop / "2017-11-30.xlsx", [row(1), [None, "某人", "某事", "2017-11-30 15:02", None, None]])
    result = pull()
    assert (result.rows, result.warnings) == (
        2,
        ["有 1 行的键 编号 有空值；没有流水号或编码的行只留在落地层"],
    )
