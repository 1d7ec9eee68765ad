"""A source that brings its own way: the file beside its declaration, and what may be wrong with it."""

from pathlib import Path
from typing import Any

import pytest

import ingestion
from wangting.errors import WangtingError

SOURCE = """
connect: own
url: ${HALL_URL}
tables:
  visits:
    title: 到厅
    key: [nr]
    columns: {nr: string, fee: int}
  windows:
    title: 窗口
    key: [code]
    columns: {code: string}
"""
OWN = """
from ingestion.connecting import Extract


class Hall:
    def __init__(self, source):
        self.source = source

    def extract(self, connection, load):
        if load.name == "windows":
            return Extract("(SELECT '1' AS code)", {"code": "VARCHAR"})
        return Extract("(SELECT 'v' || i AS nr, i AS fee FROM range(5) AS t (i))", {"nr": "VARCHAR", "fee": "BIGINT"})

    def close(self):
        pass


def connector(source):
    return Hall(source)
"""


@pytest.fixture
def script(city: Any) -> Path:
    city.set("HALL_URL", "anything://reader:s3cret-word@hall")
    file: Path = city.declare("hall", SOURCE).with_name("extract.py")
    file.write_text(OWN, "utf-8")
    return file


def test_its_rows_land_like_any_others(city: Any, script: Path) -> None:
    visits, windows = ingestion.pull(["hall"])
    assert (visits.rows, windows.rows) == (5, 1)
    assert [(row["nr"], row["fee"]) for row in city.landed("hall", "visits")][:2] == [("v0", 0), ("v1", 1)]
    assert ingestion.pull_table("hall", "visits").state == "empty"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "没有 extract.py（connect 为 own 时必填）；写一个函数 connector"),
        ("def connector(source:\n", "extract.py 出错（SyntaxError，第 1 行）"),
        ("import no_such_module\n", "extract.py 出错（ModuleNotFoundError，第 1 行）"),
        ("\n\nraise RuntimeError('s3cret-word')\n", "extract.py 出错（RuntimeError，第 3 行）"),
        ("def connector(source):\n    return 1 / 0\n", "extract.py 出错（ZeroDivisionError，第 2 行）"),
        ("def extractor(source):\n    pass\n", "extract.py 没有给出连接器"),
        ("def connector(source):\n    return object()\n", "extract.py 没有给出连接器"),
    ],
)
def test_a_missing_or_broken_file_is_one_sentence_and_other_sources_go_on(
    city: Any, script: Path, tmp_path: Path, text: str | None, said: str
) -> None:
    script.unlink() if text is None else script.write_text(text, "utf-8")
    city.declare("town", SOURCE.replace("own", "files").replace("${HALL_URL}", str(tmp_path)).replace(
        "key: [", "pattern: '*.none'\n    key: ["
    ))  # fmt: skip
    results = ingestion.pull()
    assert [result.state for result in results] == ["failed", "failed", "empty", "empty"]
    assert said in results[0].errors[0] and "extract.py】" in results[0].errors[0]
    assert "s3cret" not in str([result.errors for result in results]) + str(city.loads())


def test_a_mistake_in_the_middle_is_told_without_its_text(city: Any, script: Path) -> None:
    script.write_text(
        OWN.replace("if load.name", "raise KeyError('s3cret-word')\n        if load.name"), "utf-8"
    )
    with pytest.raises(WangtingError, match="意外错误（KeyError）") as caught:
        ingestion.pull_table("hall", "visits")
    assert "s3cret" not in str(caught.value)
