"""Replay: the landing is made anew from what was kept, without a word to the source."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import ingestion
from ingestion import compaction
from ingestion.replay import replay
from wangting import ledger
from wangting.errors import WangtingError

SOURCE = """
connect: rest
url: ${WEB}
token: {path: /token, client_id: "${WEB_ID}", client_secret: "${WEB_SECRET}"}
tables:
  accounts:
    title: 账号
    key: [nr]
    cursor: updated_at
    lag: 10 minutes
    path: /accounts
    page_size: 3
    since: updated_after
    columns: {nr: string, name: string, updated_at: timestamp}
"""


@pytest.fixture
def web(city: Any, service: Any) -> Any:
    city.declare("web", SOURCE)
    city.set("WEB", service.address)
    city.set("WEB_ID", "wangting")
    city.set("WEB_SECRET", service.secret)
    service.rows = [
        {"nr": f"n{i}", "name": f"{i}", "level": i % 3, "updated_at": f"2017-12-01T07:{i:02d}:00"}
        for i in range(10)
    ]
    for hour in (8, 9, 10):
        city.at(f"2017-12-01 {hour:02d}:00")
        service.rows.append(
            {"nr": f"h{hour}", "name": "", "level": 1, "updated_at": f"2017-12-01T{hour - 1}:59:00"}
        )
        service.rows.sort(key=lambda row: row["updated_at"])
        ingestion.pull_table("web", "accounts")
    return service


def test_a_replay_leaves_the_same_rows_and_asks_nobody(city: Any, web: Any) -> None:
    before, asked = city.landed("web", "accounts"), len(web.asked)
    done = replay("web", "accounts")
    assert (done.replayed, done.kept, done.rows, done.is_changed) == (3, 0, 13, False)
    assert city.landed("web", "accounts") == before and len(web.asked) == asked
    city.at("2017-12-03 01:00")
    compaction.compact()
    assert replay("web", "accounts").is_changed is False
    assert city.landed("web", "accounts") == before


def test_a_replay_by_another_declaration_lands_what_it_would_have(city: Any, web: Any) -> None:
    before = city.landed("web", "accounts")
    city.at("2017-12-03 01:00")
    compaction.compact()
    ledger.record(
        ledger.lanes, lane="exchange", built_seq=9, built_at=before[0]["_loaded_at"], fingerprint="x"
    )
    city.declare("web", SOURCE.replace("name: string", "name: int, level: int"))
    done = replay("web", "accounts")
    after = city.landed("web", "accounts")
    assert done.is_changed and done.rows == len(after) == len(before)
    assert {type(row["name"]) for row in after if row["name"] is not None} == {int}
    lineage = ("nr", "_load_id", "_loaded_at", "_source", "_table")
    assert sorted(tuple(row[name] for name in lineage) for row in after) == sorted(
        tuple(row[name] for name in lineage) for row in before
    )
    assert ledger.rows(ledger.lanes.select())[0]["fingerprint"] == ""
    assert ingestion.pull_table("web", "accounts").rows == 0
    assert len(city.landed("web", "accounts")) == len(after)
    city.at("2017-12-10 01:00")
    compaction.compact()
    assert city.landed("web", "accounts") == after


def test_what_does_not_fit_changes_nothing(city: Any, web: Any) -> None:
    before, files = city.landed("web", "accounts"), city.visible()
    city.declare("web", SOURCE.replace("nr: string", "nr: int"))
    with pytest.raises(WangtingError, match="列 nr 应为 int"):
        replay("web", "accounts")
    city.declare("web", SOURCE)
    assert city.landed("web", "accounts") == before and city.visible() == files


def test_a_load_without_raw_data_stays_as_it_is(city: Any, web: Any) -> None:
    import shutil

    before = city.landed("web", "accounts")
    first = city.loads(state="committed")[0]["load_id"]
    shutil.rmtree(city.home / "raw" / "web" / "accounts" / first)
    done = replay("web", "accounts")
    assert (done.replayed, done.kept) == (2, 1) and city.landed("web", "accounts") == before
    shutil.rmtree(city.home / "raw")
    with pytest.raises(WangtingError, match="没有留下原始页面或文件"):
        replay("web", "accounts")


def test_a_database_keeps_nothing_to_replay(city: Any, tmp_path: Path) -> None:
    city.declare(
        "bureau",
        "connect: sqlite\nurl: x\ntables: {t: {title: 表, key: [a], columns: {a: string}}}\n",
    )
    with pytest.raises(WangtingError, match="不留原始页面或文件"):
        replay("bureau", "t")


def test_the_command_says_what_it_did(city: Any, web: Any) -> None:
    import typer
    from typer.testing import CliRunner

    from ingestion import commands

    app = typer.Typer()
    for name in ("replay", "compact"):
        app.command(name)(getattr(commands, name))
    shown = CliRunner().invoke(app, ["replay", "web", "accounts"])
    assert shown.exit_code == 0 and "重放 3 批" in shown.stdout and "与原来相同" in shown.stdout
    city.at("2017-12-03 01:00")
    told = json.loads(CliRunner().invoke(app, ["compact", "--json"]).stdout)
    assert [(one["table"], one["span"], one["files"]) for one in told["merged"]] == [
        ("accounts", "2017-12-01", 3)
    ]


FOLDER = """
connect: files
url: ${DROP}
tables:
  people:
    title: 名册
    key: [nr]
    pattern: "*.csv"
    file_date: '(\\d{8})'
    deletes: {by: snapshot, limit: 0.9}
    columns: {nr: string, name: string}
"""


def test_whole_tables_in_files_are_told_apart_again(city: Any, tmp_path: Path) -> None:
    city.declare("town", FOLDER)
    city.set("DROP", str(tmp_path / "drop"))
    (tmp_path / "drop").mkdir()
    days = ["a,1\nb,1\nc,1\n", "a,1\nb,2\n", "a,1\nb,1\nc,1\n", "b,1\nd,1\n"]

    def drop(*numbers: int) -> None:
        for number in numbers:
            file = tmp_path / f"drop/2017120{number + 1}.csv"
            file.write_text("nr,name\n" + days[number], "utf-8")
            os.utime(file, (1, 1))
        ingestion.pull_table("town", "people")

    drop(0)
    ingestion.pull_table("town", "people", full=True)
    city.at("2017-12-02 08:00")
    drop(1, 2)  # two at once: what was gone between them has come back
    city.at("2017-12-03 08:00")
    drop(3)
    before = city.landed("town", "people")
    told = [(row["nr"], row["name"], row["_is_deleted"], row["_file"][6:8]) for row in before]
    assert sorted(told, key=lambda row: (row[3], row[0])) == [
        *[(nr, "1", False, "01") for nr in "abc"],
        *[("b", "2", False, "02"), ("c", None, True, "02")],
        *[("b", "1", False, "03"), ("c", "1", False, "03")],
        *[("a", None, True, "04"), ("c", None, True, "04"), ("d", "1", False, "04")],
    ]
    done = replay("town", "people")
    assert (done.replayed, done.is_changed) == (3, False) and city.landed("town", "people") == before
    city.declare("town", FOLDER.replace("name: string", "name: int"))
    assert replay("town", "people").is_changed
    after = city.landed("town", "people")
    assert [(row["nr"], row["_file"], row["_is_deleted"]) for row in after] == [
        (row["nr"], row["_file"], row["_is_deleted"]) for row in before
    ]
