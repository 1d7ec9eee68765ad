"""A declaration that does not fit is one sentence with file, line and field."""

import pytest

from wangting import declared
from wangting.errors import WangtingError
from wangting.source_spec import Source

GOOD = """
title: 某系统
owner: 某局
connect: postgres
url: ${SOME_URL}
zone: Asia/Shanghai
schedule: every 10 minutes
silent_after: 4 working hours
tables:
  cases:
    title: 办件
    key: [no]
    cursor: changed
    columns: {no: string, changed: timestamp}
"""


def written(tmp_path, text):
    path = tmp_path / "source.yml"
    path.write_text(text, "utf-8")
    return path


def test_a_whole_declaration_loads(tmp_path):
    source = declared.load(written(tmp_path, GOOD), Source, name="some")
    assert source.schedule.total_seconds() == 600 and source.silent_hours == 4


@pytest.mark.parametrize(
    ("wrong", "right", "line", "said"),
    [
        ("owner:", "ownr:", 3, "ownr"),
        ("connect: postgres", "connect: oracle", 4, "connect"),
        ("every 10 minutes", "sometimes", 7, "schedule"),
        ("changed: timestamp", "changed: datetime", 14, "changed"),
        ("key: [no]", "key: [number]", 10, "number"),
        ("cursor: changed", "cursr: changed", 13, "cursr"),
        ("title: 某系统", "title: 某系统\ntitle: 再来", 3, "title"),
    ],
)
def test_a_typo_names_file_line_and_field(tmp_path, wrong, right, line, said):
    path = written(tmp_path, GOOD.replace(wrong, right))
    with pytest.raises(WangtingError) as error:
        declared.load(path, Source, name="some")
    assert str(path) in str(error.value) and f"第 {line} 行" in str(error.value) and said in str(error.value)


@pytest.mark.parametrize("text", ["a: [1", "a: 2010-13-01", "- only a list"])
def test_what_is_not_a_declaration_says_so(tmp_path, text):
    with pytest.raises(WangtingError, match=r"source\.yml"):
        declared.load(written(tmp_path, text), Source, name="some")


def test_a_file_in_another_encoding_says_so(tmp_path):
    path = tmp_path / "source.yml"
    path.write_bytes("title: 住房和城乡建设局".encode("gbk"))
    with pytest.raises(WangtingError, match="UTF-8"):
        declared.load(path, Source, name="some")
