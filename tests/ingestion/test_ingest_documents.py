"""Documents of every kind in a folder: encodings that lie, sheets, merged cells, JSON, XML, archives with lists."""

import codecs
import csv
import hashlib
import io
import json
import os
import time
import zipfile
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ingestion
from ingestion.encodings import as_utf8
from wangting.errors import WangtingError

SOURCE = """
connect: files
url: ${DROP}
tables:
  cases:
    title: 办件
    key: [编号]
    columns: {编号: string, 天数: int, 备注: string}
"""
LINES = "编号,天数,备注\n001,3,甲村\n002,,𠀀囧\n"


class Drop:
    """A folder, and its only table's declaration."""

    def __init__(self, city: Any, folder: Path) -> None:
        self.city, self.folder = city, folder
        folder.mkdir()
        city.set("DROP", str(folder))

    def declare(self, more: str) -> None:
        self.city.declare("town", SOURCE + "".join(f"    {line}\n" for line in more.split("\n")))

    def put(self, name: str, content: bytes | str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(file, (time.time() - 3600, time.time() - 3600))
        return file

    def rows(self, *names: str) -> list[Any]:
        found = [[row[name] for name in names or ("编号",)] for row in self.city.landed("town", "cases")]
        return [row if names else row[0] for row in found]


@pytest.fixture
def drop(city: Any, tmp_path: Path) -> Drop:
    return Drop(city, tmp_path / "drop")


def pull(**how: Any) -> Any:
    return ingestion.pull_table("town", "cases", **how)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_auto_finds_out_the_encoding(drop: Drop, encoding: str) -> None:
    drop.declare("pattern: '*.csv'\nencoding: auto")
    drop.put("a.csv", LINES.encode(encoding))
    assert pull().rows == 2
    assert drop.rows("编号", "天数", "备注") == [["001", 3, "甲村"], ["002", None, "𠀀囧"]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60),
    head=st.integers(0, 9),
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_no_text_is_changed_by_finding_out(tmp_path: Path, encoding: str, text: str, head: int) -> None:
    file = tmp_path / "text"
    whole = f"{'登记表' * head}{text}"
    file.write_bytes(whole.encode(encoding))
    found = as_utf8(file, "auto", tmp_path / "utf8", "")
    if encoding == "utf-8" and not whole.startswith("\ufeff"):
        assert found == file
    elif encoding == "gb18030" and head:  # so much of it could hardly be UTF-8 by chance
        assert found.read_bytes().decode() == whole


@pytest.mark.parametrize(
    ("declared", "real", "said"),
    [
        ("utf-8", "gb18030", "文件不是 utf-8 编码（像是 GB18030，第 1 行，第 0 字节）"),
        ("gbk", "utf-8", "文件不是 gbk 编码（像是 UTF-8"),
        ("gb18030", "utf-8", "文件不是 gb18030 编码（像是 UTF-8"),
        ("utf-8", "utf-16", "文件不是 utf-8 编码（像是 UTF-16"),
        ("nonsense", "gb18030", "不认识编码 nonsense"),
    ],
)
def test_an_encoding_that_lies_is_refused_with_what_it_is(
    drop: Drop, declared: str, real: str, said: str
) -> None:
    drop.declare(f"pattern: '*.csv'\nencoding: {declared}")
    drop.put("a.csv", LINES.encode(real))
    with pytest.raises(WangtingError) as caught:
        pull()
    assert f"a.csv】{said}" in str(caught.value)
    assert drop.city.visible() == []


def test_a_file_pasted_together_of_two_encodings_is_refused_by_line(drop: Drop) -> None:
    drop.declare("pattern: '*.csv'\nencoding: auto")
    drop.put("a.csv", LINES.encode() + b"003,1,\xff\xff\n" + "004,1,四\n".encode("gbk"))
    with pytest.raises(WangtingError, match="第 4 行附近"):
        pull()


def test_a_sequence_of_bytes_that_a_step_cuts_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"x" + "村".encode() * 400_000)
    assert as_utf8(file, "auto", tmp_path / "utf8", "") == file
    file.write_bytes(b"x" + "村".encode("gbk") * 600_000)
    assert as_utf8(file, "auto", tmp_path / "utf8", "").read_text("utf-8") == "x" + "村" * 600_000
    file.write_bytes(b"x" + "村".encode() * 400_000 + b"\xe6")
    with pytest.raises(WangtingError):
        as_utf8(file, "utf-8", tmp_path / "utf8", "")


def book(sheets: dict[str, list[list[Any]]], merged: dict[str, list[str]] | None = None) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for ref in (merged or {}).get(name, []):
            sheet.merge_cells(ref)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


HEAD = [["某村办事登记表"], ["编号", "天数", "备注"]]
ROWS = "header_row: 2\nfirst_row: 3\npattern: '*.xlsx'"


def test_all_sheets_of_the_shape_are_read_and_the_others_named(drop: Drop) -> None:
    drop.declare(f"{ROWS}\nsheet: '*'\nnotes: '^(合计|注)'")
    drop.put(
        "2017.xlsx",
        book(
            {
                "一村": [*HEAD, ["a1", 1, "x"], ["合计", 1, None]],
                "说明": [["填表说明"], ["请用模板"], ["谢谢"]],
                "二村": [*HEAD, ["b1", 2, "x"], [None, None, None], ["b2", 3, "y"], [" 注：以上属实"]],
                "Sheet3": [],
            }
        ),
    )
    result = pull()
    assert result.rows == 3
    assert [warning for warning in result.warnings if "说明" in warning and "未取" in warning]
    assert drop.rows("编号", "_sheet", "_file_row") == [
        ["a1", "一村", 3],
        ["b1", "二村", 3],
        ["b2", "二村", 5],
    ]
    drop.put("2018.xlsx", book({"一村": [["x"], ["编号", "备注"], ["c1", "y"]]}))
    with pytest.raises(WangtingError, match="工作表「一村」的表头缺少列 天数"):
        pull()
    drop.put("2018.xlsx", book({"一村": [["x"], ["y"], ["z"]]}))
    with pytest.raises(WangtingError, match="没有一张工作表有约定的表头"):
        pull()


def test_the_same_line_in_two_sheets_is_two_rows(drop: Drop) -> None:
    drop.declare(f"{ROWS}\nsheet: '*'")
    drop.put("a.xlsx", book({"一村": [*HEAD, ["a1", 1, "x"]], "二村": HEAD}))
    assert pull().rows == 1
    drop.city.at("2017-12-01 09:00")
    drop.put("a.xlsx", book({"一村": [*HEAD, ["a1", 1, "x"]], "二村": [*HEAD, ["a1", 1, "x"]]}))
    assert pull().rows == 1
    assert sorted(drop.rows("_sheet")) == [["一村"], ["二村"]]


def test_cells_merged_downwards_have_their_value_in_every_row(drop: Drop) -> None:
    drop.declare(f"{ROWS}\nnotes: 说明")
    rows = [["a1", 1, "甲"], ["a2", 2, None], ["a3", 3, None], ["a4", 4, "乙"], ["说明"], [None]]
    drop.put("a.xlsx", book({"一": [*HEAD, *rows]}, {"一": ["A1:C1", "C3:C5", "A7:C8"]}))
    assert pull().rows == 4
    assert drop.rows("编号", "备注") == [["a1", "甲"], ["a2", "甲"], ["a3", "甲"], ["a4", "乙"]]


def test_dates_that_are_numbers_read_like_dates_that_are_texts(drop: Drop) -> None:
    drop.declare(ROWS)
    drop.city.declare(
        "town",
        SOURCE.replace("天数: int, 备注: string", "备注: string, 受理日期: timestamp")
        + "".join(f"    {line}\n" for line in ROWS.split("\n")),
    )
    head = [["表"], ["编号", "备注", "受理日期"]]
    rows = [
        ["a", time_of_day(9, 31), datetime(2017, 11, 30, 15, 2, 59)],
        ["b", 43069, date(2017, 11, 30)],
        ["c", date(2017, 2, 28), "2017-11-30 08:00"],
        ["d", 1.5, None],
    ]
    drop.put("a.xlsx", book({"一": [*head, *rows]}))
    pull()
    assert drop.rows("编号", "备注", "受理日期") == [
        ["a", "09:31:00", datetime(2017, 11, 30, 15, 2, 59)],
        ["b", "43069", datetime(2017, 11, 30)],
        ["c", "2017-02-28", datetime(2017, 11, 30, 8)],
        ["d", "1.5", None],
    ]


def test_long_numbers_that_a_spreadsheet_has_rounded_are_told_of(drop: Drop) -> None:
    drop.declare(ROWS)
    drop.put("a.xlsx", book({"一": [*HEAD, ["a", 1, 445102199001011234], ["b", 1, "445102199001011234"]]}))
    assert "列 备注 有 1 个值被电子表格存成了数字" in " ".join(pull().warnings)


@pytest.mark.parametrize(
    ("more", "content"),
    [
        ("", [{"编号": "a", "天数": 1, "备注": {"x": 1}}, {"编号": "b", "天数": None}]),
        (
            "element: 结果.列表",
            {"结果": {"列表": [{"编号": "a", "天数": "1", "备注": {"x": 1}}, {"编号": "b"}]}},
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_json_lands_from_a_list_wherever_it_stands(
    drop: Drop, more: str, content: Any, encoding: str
) -> None:
    drop.declare(f"pattern: '*.json'\n{more}" if more else "pattern: '*.json'")
    drop.put("a.json", json.dumps(content, ensure_ascii=False).encode(encoding))
    assert pull().rows == 2
    assert drop.rows("编号", "天数", "备注", "_file_row") == [["a", 1, '{"x":1}', 1], ["b", None, None, 2]]


def test_json_with_a_row_a_line_lands(drop: Drop) -> None:
    drop.declare("pattern: '*.jsonl'")
    drop.put(
        "a.jsonl",
        "".join(json.dumps({"编号": f"{one}", "天数": one, "备注": ""}) + "\n" for one in range(5000)),
    )
    assert pull().rows == 5000
    assert all(int(nr) == row - 1 for nr, row in drop.rows("编号", "_file_row"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "{", "不是有效的 JSON"),
        ("a.json", "", "文件是空的"),
        ("a.json", '{"rows": {}}', "JSON 中没有列表 list"),
        ("a.json", '{"list": [{"编号": "a", "天数": 1}]}', "表头缺少列 备注"),
        (
            "a.json",
            '{"list": [{"编号": "a", "天数": "x", "备注": ""}]}',
            "列 天数 应为 int，有 1 个值不是（第 1 行）",
        ),
        ("a.xml", "<r><list>", "不是有效的 XML（第 1 行）"),
        ("a.xml", "<r><list><天数>1</天数></list></r>", "表头缺少列 编号"),
    ],
)
def test_a_document_that_cannot_be_read_is_one_sentence(
    drop: Drop, name: str, content: str, said: str
) -> None:
    drop.declare("pattern: '*.*'\nelement: list")
    drop.put(name, content)
    with pytest.raises(WangtingError) as caught:
        pull()
    assert f"{name}】{said}" in str(caught.value)


XML = """<?xml version="1.0" encoding="{says}"?>
<导出 xmlns="urn:x"><头><办件>一</办件></头>
<件 编号="a"><天数>1</天数><备注><![CDATA[<甲>]]></备注></件>
<件 编号="b"><天数/><备注>&lt;乙&gt;</备注><人><名>丙</名><名>丁</名></人></件>
<件 编号="c"/></导出>"""


@pytest.mark.parametrize(
    ("says", "real"),
    [("UTF-8", "utf-8"), ("GBK", "gbk"), ("GB2312", "gb18030"), ("UTF-8", "gb18030"), ("GBK", "utf-8")],
)
def test_xml_lands_whatever_its_first_line_says(drop: Drop, says: str, real: str) -> None:
    drop.declare("pattern: '*.xml'\nelement: 件")
    drop.put("a.xml", XML.format(says=says).encode(real))
    result = pull()
    assert result.rows == 3 and "未声明的列 人.名" in " ".join(result.warnings)
    assert drop.rows("编号", "天数", "备注", "人.名") == [
        ["a", 1, "<甲>", None],
        ["b", None, "<乙>", '["丙", "丁"]'],
        ["c", None, None, None],
    ]


def csv_bytes(*rows: tuple[str, int | None, str], encoding: str = "gbk") -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([("编号", "天数", "备注"), *rows])
    return out.getvalue().encode(encoding)


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def listed(files: dict[str, tuple[int, bytes]], encoding: str = "gbk") -> bytes:
    lines = [
        f"{name},{rows},{hashlib.sha256(content).hexdigest()}\n" for name, (rows, content) in files.items()
    ]
    return ("文件,行数,校验和\n" + "".join(lines)).encode(encoding)


LIST = "manifest: {file: '清单*.csv', name: 文件, rows: 行数, sha256: 校验和}"
ARCHIVE = f"pattern: '*.zip'\nmembers: '办件*.csv'\nencoding: auto\nfile_date: '(\\d{{8}})'\n{LIST}"


def test_an_archive_lands_with_what_its_list_confirms(drop: Drop) -> None:
    drop.declare(ARCHIVE)
    one, two = csv_bytes(("a", 1, "x"), ("b", 2, "囧")), csv_bytes(("c", 3, "z"))
    other = b"not ours"
    files = {
        "夜间/办件1.csv": one,
        "办件2.csv": two,
        "步骤.xml": other,
        "清单.csv": listed({"办件1.csv": (2, one), "办件2.csv": (1, two), "步骤.xml": (7, other)}),
    }
    drop.put("国家_20171130.zip", packed(files))
    assert pull().rows == 3
    assert drop.rows("编号", "_file", "_file_row", "_file_date") == [
        ["a", "国家_20171130.zip/夜间/办件1.csv", 2, date(2017, 11, 30)],
        ["b", "国家_20171130.zip/夜间/办件1.csv", 3, date(2017, 11, 30)],
        ["c", "国家_20171130.zip/办件2.csv", 2, date(2017, 11, 30)],
    ]
    assert pull().state == "empty"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files.pop("清单.csv"), "压缩包中没有清单 清单*.csv"),
        (lambda files: files.update({"办件3.csv": files["办件1.csv"]}), "清单中没有 办件3.csv"),
        (lambda files: files.pop("办件1.csv"), "清单中的 办件1.csv 不在压缩包里"),
        (lambda files: files.update({"办件1.csv": csv_bytes(("a", 1, "y"))}), "校验和与清单不符"),
        (
            lambda files: files.update({"清单.csv": listed({"办件1.csv": (2, files["办件1.csv"])})}),
            "清单说有 2 行，实有 1 行",
        ),
        (lambda files: files.update({"清单.csv": b"\xff\xff"}), "清单无法读取"),
        (lambda files: files.update({"清单.csv": b"a,b\n1,2\n"}), "清单中没有 文件 一列或没有内容"),
    ],
)
def test_an_archive_that_its_list_does_not_confirm_is_refused_whole(
    drop: Drop, change: Any, said: str
) -> None:
    drop.declare(ARCHIVE)
    one = csv_bytes(("a", 1, "x"))
    files = {"办件1.csv": one, "清单.csv": listed({"办件1.csv": (1, one)})}
    change(files)
    drop.put("20171130.zip", packed(files))
    good = csv_bytes(("g", 1, "x"))
    drop.put("20171129.zip", packed({"办件1.csv": good, "清单.csv": listed({"办件1.csv": (1, good)})}))
    with pytest.raises(WangtingError) as caught:
        pull()
    assert said in str(caught.value) and "20171130.zip" in str(caught.value)
    assert drop.rows() == ["g"]
    assert list((drop.city.home / "spill").glob("*-*")) == []


def test_damaged_encrypted_and_empty_archives_are_named(drop: Drop) -> None:
    drop.declare("pattern: '*.zip'\nmembers: '*.csv'\nencoding: auto")
    whole = bytearray(packed({"a.csv": csv_bytes(("a", 1, "x"))}))
    drop.put("半.zip", bytes(whole[:40]))
    drop.put("空.zip", b"")
    whole[whole.index(b"PK\1\2") + 8] |= 1
    whole[6] |= 1
    drop.put("密.zip", bytes(whole))
    drop.put("别.zip", packed({"b.txt": b"x"}))
    broken = bytearray(packed({"a.csv": csv_bytes(*[(str(one), one, "x" * one) for one in range(99)])}))
    broken[200:220] = bytes(20)
    drop.put("坏.zip", bytes(broken))
    with pytest.raises(WangtingError) as caught:
        pull()
    for name, said in (
        ("半", "压缩包已损坏"),
        ("空", "文件是空的"),
        ("密", "压缩包加了密码"),
        ("别", "压缩包中没有 *.csv"),
        ("坏", "压缩包已损坏"),
    ):
        assert f"{name}.zip" in str(caught.value) and said in str(caught.value)
    assert drop.city.visible() == []


def test_names_inside_an_archive_may_be_in_gbk(drop: Drop) -> None:
    drop.declare("pattern: '*.zip'\nmembers: '办件*.csv'\nencoding: auto")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("xxxx.csv", csv_bytes(("a", 1, "x")))
    drop.put("a.zip", content.getvalue().replace(b"xxxx.csv", "办件".encode("gbk") + b".csv"))
    assert pull().rows == 1
    assert drop.rows("_file") == [["a.zip/办件.csv"]]


@pytest.mark.parametrize("kind", ["csv", "json", "xml"])
def test_a_list_beside_the_files_confirms_them(drop: Drop, kind: str) -> None:
    drop.declare(
        f"pattern: 'cases*.csv'\nencoding: gbk\nmanifest: {{file: 'list*.{kind}', name: n, rows: c, sha256: s}}"
    )
    one = csv_bytes(("a", 1, "x"))
    drop.put("cases1.csv", one)
    with pytest.raises(WangtingError, match=r"cases1\.csv】清单 list\*\.\w+ 中没有该文件"):
        pull()
    entry = {"n": "cases1.csv", "c": 1, "s": hashlib.sha256(one).hexdigest().upper()}
    drop.put(
        f"list1.{kind}",
        {
            "csv": "n,c,s\n" + ",".join(map(str, entry.values())),
            "json": json.dumps({"files": [entry]}),
            "xml": f"<l><f n='{entry['n']}' c='1'><s>{entry['s']}</s></f></l>",
        }[kind],
    )
    assert pull().rows == 1
    assert pull().state == "empty"


def test_a_workbook_among_csv_and_a_mark_in_front_land_in_one_load(drop: Drop) -> None:
    drop.declare("pattern: '*'\nencoding: auto")
    drop.put("a.csv", codecs.BOM_UTF8 + LINES.encode())
    drop.put("b.xlsx", book({"一": [["编号", "天数", "备注", "新"], ["x", 1, "y", "z"]]}))
    result = pull()
    assert result.rows == 3 and "未声明的列 新" in " ".join(result.warnings)
    assert drop.rows("编号", "新") == [["001", None], ["002", None], ["x", "z"]]
    assert list((drop.city.home / "spill").glob("*-*")) == []
