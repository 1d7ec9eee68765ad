"""docs/connect-a-system.md, followed to the letter: what it promises is what its reader gets."""

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
import yaml

from tests.sites import documents

pytestmark = pytest.mark.e2e
DOCUMENT = "docs/connect-a-system.md"


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Its blocks one after the other, and what they printed."""
    folder = tmp_path_factory.mktemp("reader")
    said = documents.run(documents.blocks(DOCUMENT), folder)
    return SimpleNamespace(folder=folder, said=said, site=folder / "mysite", home=folder / "home")


@pytest.fixture(scope="module")
def truth(followed):
    """The example system's own rows."""
    with sqlite3.connect(followed.folder / "water.db") as base:
        base.row_factory = sqlite3.Row
        return [dict(row) for row in base.execute("select * from ywsqb")]


def landed(home: Path):
    files = [str(file) for file in (home / "landing" / "water_bureau" / "ywsqb").rglob("*.parquet")]
    return duckdb.sql(f"select * from read_parquet({files})")


def test_every_row_lands_once(followed, truth):
    assert landed(followed.home).count("ywh").fetchone() == (len(truth),) == (200,)


def test_every_case_arrives_as_the_system_has_it(followed, truth):
    file = followed.home / "lanes" / "exchange" / "exchange.duckdb"
    with duckdb.connect(str(file), read_only=True) as lane:
        found = lane.execute(
            "select SBLSH, strftime(SBSJ, '%Y-%m-%d %H:%M:%S'), TJFS from ex_gdbs_sb"
        ).fetchall()
        closed = {number for (number,) in lane.execute("select SBLSH from ex_gdbs_bj").fetchall()}
        accepted = {number for (number,) in lane.execute("select SBLSH from ex_gdbs_sl").fetchall()}
    channels = {"窗口": "0", "网厅": "1"}
    assert set(found) == {(row["ywh"], row["sqsj"], channels[row["sqfs"]]) for row in truth}
    assert closed == {row["ywh"] for row in truth if row["bjsj"]}
    assert accepted == {row["ywh"] for row in truth}


def test_the_draft_found_key_cursor_and_types_by_itself(followed):
    declared = yaml.safe_load((followed.site / "sources" / "water_bureau" / "source.yml").read_text("utf-8"))
    (table,) = declared["tables"].values()
    assert (table["key"], table["cursor"]) == (["ywh"], "gxsj")
    assert {table["columns"][name] for name in ("sqsj", "slsj", "bjsj", "gxsj")} == {"timestamp"}
    assert {table["columns"][name] for name in ("ywh", "slzt", "qhdm", "sqrlx")} == {"string"}


def test_nothing_of_the_rows_stands_in_what_was_written_or_said(followed, truth):
    texts = [
        file.read_text("utf-8")
        for file in followed.site.rglob("*")
        if file.is_file() and file.name != "code_maps.csv"
    ]
    before_the_pull = followed.said.partition("抽取结果")[0]
    for row in truth[:20]:
        for value in (row["zjhm"], row["sqrxm"], row["ywh"]):
            assert not any(value in text for text in texts)
            assert value not in before_the_pull


def test_what_is_done_is_no_longer_complained_of(followed):
    last = followed.said.rpartition("站点 示例市")[2].partition("抽取结果")[0]
    assert "water_bureau" not in "".join(line for line in last.splitlines() if "环境变量" not in line)
    assert "错误 0 处" in last


def test_it_says_thirty_minutes_and_its_parts_add_up():
    import re

    from tests.house.tree import ROOT

    text = (ROOT / DOCUMENT).read_text("utf-8")
    assert sum(int(minutes) for minutes in re.findall(r"^## .*（(\d+) 分钟）$", text, re.MULTILINE)) == 30
