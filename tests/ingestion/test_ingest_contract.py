"""What a source promised of a table against what came: told in a sentence, kept as data."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import ingestion
from tests.ingestion.test_ingest_deletes import Bureau
from wangting import clock, settings
from wangting.errors import WangtingError
from wangting.systems import systems

SOURCE = """
connect: sqlite
url: ${BUREAU_FILE}
system: department_systems
tables:
  cases:
    title: 办件
    key: [nr]
    cursor: changed
    lag: 10 minutes
    codes: {note: channel}
    filled: {happened: {share: 0.9, why: 业务表必填}}
    floor: {rows_per_working_day: 5, why: 平时每个工作日不少于十件}
    columns: {nr: string, note: string, happened: date, changed: timestamp}
"""
MAPS = "source,list,source_code,code\nbureau,channel,001,0\nother,channel,777,1\n"


@pytest.fixture
def bureau(city: Any, tmp_path: Path) -> Bureau:
    (city.folder / "seeds").mkdir()
    (city.folder / "seeds" / "code_maps.csv").write_text(MAPS, "utf-8")
    return Bureau(city, tmp_path / "bureau.sqlite", SOURCE)


def test_codes_that_nobody_knows_are_told_of_with_their_counts(bureau: Bureau) -> None:
    # 001 is in the map, 0 in the specification, 777 in another source's map; the empty one is no code.
    for number, code in enumerate(["001", "0", "777", "777", "x", "", " 0 "]):
        bureau.put(f"c{number}", code)
    result = ingestion.pull_table("bureau", "cases")
    assert result.is_ok and result.rows == 7
    told = {row["value"]: row["rows"] for row in bureau.city.remarks(kind="unknown_code")}
    assert told == {"777": 2, "x": 1}
    assert any("代码「777」不在代码表 channel 中，有 2 行" in warning for warning in result.warnings)


def test_a_column_filled_too_little_is_told_of_with_the_reason(bureau: Bureau) -> None:
    for number in range(10):
        bureau.put(f"c{number}", "0")
    bureau.run("UPDATE cases SET happened = NULL WHERE nr IN ('c1', 'c2')")
    result = ingestion.pull_table("bureau", "cases")
    [fill] = bureau.city.remarks(kind="fill")
    assert (fill["column_name"], fill["share"], fill["wanted"], fill["why"]) == (
        "happened",
        0.8,
        0.9,
        "业务表必填",
    )
    assert fill["load_id"] == result.load_id and "列 happened 只填了 80.0%" in fill["text"]


def test_too_few_rows_on_a_working_day_are_told_of_once(bureau: Bureau) -> None:
    bureau.city.at("2017-11-29 09:00")
    bureau.put("c0", "0")
    ingestion.pull_table("bureau", "cases")
    bureau.city.at("2017-11-30 09:00")
    bureau.put("c1", "0", changed="2017-11-30 08:59:00")
    ingestion.pull_table("bureau", "cases")
    assert bureau.city.remarks(kind="floor") == []  # on the 29th it was landed for the first time
    for hour in (9, 10):
        bureau.city.at(f"2017-12-01 {hour:02d}:00")
        ingestion.pull_table("bureau", "cases")
    [floor] = bureau.city.remarks(kind="floor")
    assert (floor["value"], floor["rows"], floor["wanted"]) == ("2017-11-30", 1, 5.0)
    assert floor["why"] == "平时每个工作日不少于十件"
    bureau.city.at("2017-12-04 09:00")  # Monday: of the days before, Friday is the last that is worked
    ingestion.pull_table("bureau", "cases")
    assert [row["value"] for row in bureau.city.remarks(kind="floor")] == ["2017-11-30", "2017-12-01"]


def test_new_lost_and_spoilt_columns_are_kept_as_data(bureau: Bureau) -> None:
    bureau.put("c0", "0")
    bureau.run("ALTER TABLE cases ADD COLUMN extra TEXT")
    assert ingestion.pull_table("bureau", "cases").is_ok
    [new] = bureau.city.remarks(kind="new_column")
    assert new["column_name"] == "extra"
    bureau.city.at("2017-12-01 09:00")
    bureau.run("INSERT INTO cases VALUES ('c1', '0', 'soon', '2017-12-01 08:30:00', NULL)")
    with pytest.raises(WangtingError, match=r"列 happened 应为 date，有 1 个值不是（nr 为 c1）"):
        ingestion.pull_table("bureau", "cases")
    [wrong] = bureau.city.remarks(kind="wrong_type")
    assert (wrong["column_name"], wrong["rows"]) == ("happened", 1)
    bureau.run("ALTER TABLE cases RENAME COLUMN happened TO elsewhere")
    with pytest.raises(WangtingError, match="来源缺少列 happened"):
        ingestion.pull_table("bureau", "cases")
    [lost] = bureau.city.remarks(kind="missing_column")
    assert lost["column_name"] == "happened" and not bureau.city.remarks(kind="wrong_type")


def _commands() -> typer.Typer:
    from ingestion import commands

    app = typer.Typer()
    app.command("pull")(commands.pull)
    app.command("sources")(commands.sources)
    return app


def test_every_system_of_the_plans_has_its_line(bureau: Bureau) -> None:
    bureau.put("c0", "?")
    ingestion.pull_table("bureau", "cases")
    shown = json.loads(CliRunner().invoke(_commands(), ["sources", "--json"]).stdout)
    assert [one["system"] for one in shown] == list(systems())
    mine = {one["system"]: one for one in shown}["department_systems"]
    assert (mine["source"], mine["state"], mine["rows"], mine["remarks"]) == ("bureau", "ok", 1, 1)
    [table] = mine["details"]
    assert table["remarks"][0]["kind"] == "unknown_code" and table["remarks"][0]["rows"] == 1
    states = {one["system"]: one["state"] for one in shown if one["source"] is None}
    assert all(states[code] == ("unconnected" if systems()[code].gives else "takes") for code in states)
    assert {"unconnected", "takes"} <= set(states.values())
    text = CliRunner().invoke(_commands(), ["sources", "--details"]).stdout
    assert "未接入" in text and "只取用" in text and "未知代码" in text


def test_silence_is_counted_in_working_hours(bureau: Bureau) -> None:
    bureau.put("c0", "0")
    bureau.city.at("2017-12-01 16:30")  # Friday
    ingestion.pull_table("bureau", "cases")
    from ingestion.overview import overview

    def stands() -> tuple[str, float]:
        [one] = [one for one in overview() if one["source"] == "bureau"]
        return one["state"], one["silence_hours"]

    bureau.city.at("2017-12-04 08:30")  # Monday: an hour on Friday, nothing at the weekend
    assert stands() == ("ok", 1.0)
    bureau.city.at("2017-12-04 12:00")
    assert stands() == ("silent", 4.5)


def test_a_source_that_is_not_on_this_machine_is_passed_over(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau.put("c0", "0")
    bureau.city.declare("hall", SOURCE.replace("BUREAU_FILE", "HALL_FILE"))
    done = CliRunner().invoke(_commands(), ["pull", "--json"])
    results = {one["source"]: one for one in json.loads(done.stdout)}
    assert done.exit_code == 0 and results["bureau"]["rows"] == 1
    assert results["hall"]["state"] == "unavailable"
    assert results["hall"]["warnings"] == ["系统hall（hall）本机不可用：没有设置环境变量 HALL_FILE，已跳过"]
    text = CliRunner().invoke(_commands(), ["pull"]).stdout
    assert "本机不可用" in text and "HALL_FILE" in text
    shown = json.loads(CliRunner().invoke(_commands(), ["sources", "--json"]).stdout)
    [hall] = [one for one in shown if one["source"] == "hall"]
    assert hall["state"] == "unavailable" and "HALL_FILE" in hall["error"]
    assert ingestion.pull_if_available("hall", "cases").state == "unavailable"
    monkeypatch.setenv("HALL_FILE", str(bureau.file))
    assert settings.missing("${HALL_FILE}") == []
    assert clock.now().year == 2017
