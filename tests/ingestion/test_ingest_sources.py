"""The site's declarations, and what the commands say about systems."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import ingestion
from wangting import settings
from wangting import specification as layers
from wangting.errors import WangtingError
from wangting.site import current_site

SOURCES = sorted((settings.REPOSITORY / "sites").glob("*/sources/*/source.yml"))
RECORDS = {
    name.removesuffix(".yml"): sheet.content
    for name, sheet in layers.read(layers.in_force(date(2017, 11, 30))).items()
    if name.startswith("ex_gdbs_")
}
TOWN = "connect: files\nurl: x\ntables: {t: {title: 表, key: [a], pattern: '*', columns: {a: string}}}\n"
KINDS = {"text": "string", "time": "timestamp", "integer": "int"}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: f"{file.parts[-4]}-{file.parts[-2]}")
def test_a_declaration_is_sound(file: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGTING_SITE", str(file.parents[2]))
    source = current_site().check().source(file.parent.name)
    assert source.title and source.owner


def _platform(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """The columns of a table of the platform, and the specification's fields as columns."""
    record = RECORDS[name]
    table = current_site().source("unified_platform").tables[name]
    fields = {
        name.lower(): KINDS.get(about["type"]) or f"decimal({about['digits']}, {about['scale']})"
        for name, about in record["fields"].items()
    }
    assert table.key == [*(field.lower() for field in record["key"]), "version"]
    return table.columns, fields | {"version": "int", "inserttime": "timestamp"}


@pytest.mark.parametrize("name", [name for name, record in RECORDS.items() if record.get("exchanged", True)])
def test_the_unified_platform_has_the_specifications_fields(name: str, home: Path) -> None:
    columns, fields = _platform(name)
    assert columns == fields


def test_of_materials_the_unified_platform_has_a_part_of_the_fields(home: Path) -> None:
    columns, fields = _platform("ex_gdbs_sbcl")
    assert columns == {column: fields[column] for column in columns}


@pytest.mark.parametrize(
    ("wrong", "line", "said"),
    [
        ("colums: {a: string}", 12, "tables.t.colums：不认识这一项"),
        ("columns: {a: strng}", 12, "列 a 的类型 strng 不认识"),
        ("columns: {a: string}\n    cursor: b", 9, "键或游标 b 不在 columns 之中"),
        ("columns: {a: string}\n    cursor: a", 9, "游标 a 应为 timestamp"),
        ("columns: {a: string}\n    lag: soon", 13, "应写作「10 minutes」"),
        ("columns: {a: string", 13, "不是有效的 YAML"),
    ],
)
def test_a_typo_is_one_sentence_with_file_line_and_field(
    city: Any, tmp_path: Path, wrong: str, line: int, said: str
) -> None:
    city.declare(
        "good",
        TOWN.replace("x", "${DROP}", 1),
    )
    (tmp_path / "drop").mkdir()
    city.set("DROP", str(tmp_path / "drop"))
    file = city.declare(
        "typo", f"connect: postgres\nurl: x\ntables:\n  t:\n    title: 表\n    key: [a]\n    {wrong}\n"
    )
    broken, good = sorted(ingestion.pull(), key=lambda result: result.is_ok)
    assert good.is_ok and good.source == "good"
    assert broken.source == "typo" and said in broken.errors[0], broken.errors
    assert f"{file} 第 {line} 行" in broken.errors[0]
    with pytest.raises(WangtingError):
        current_site().check()
    with pytest.raises(WangtingError):
        ingestion.pull_table("typo", "t")


def test_connectors_ask_for_what_they_need(city: Any) -> None:
    city.declare("web", "connect: rest\nurl: x\ntables: {t: {title: 表, key: [a], columns: {a: string}}}\n")
    with pytest.raises(WangtingError, match="表 t 缺少 path（connect 为 rest 时必填）"):
        current_site().check()


def test_an_unknown_name_lists_the_known_ones(city: Any) -> None:
    city.declare(
        "town",
        TOWN,
    )
    with pytest.raises(WangtingError, match="没有名为 twon 的来源；可用的来源：town"):
        ingestion.pull(["twon"])
    with pytest.raises(WangtingError, match="没有声明表 x；可用的表：t"):
        ingestion.pull_table("town", "x")


def test_the_commands_show_results_states_and_exit_codes(city: Any, tmp_path: Path) -> None:
    import typer

    from ingestion import commands

    app = typer.Typer()
    app.command("pull")(commands.pull)
    app.command("sources")(commands.sources)
    run = CliRunner().invoke
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "a.csv").write_text("a\n1\n", "utf-8")
    for name, place in (("town", drop), ("gone", tmp_path / "nowhere"), ("later", drop)):
        city.declare(
            name,
            TOWN.replace("x", str(place), 1),
        )
    done = run(app, ["pull", "--json", "town", "gone"])
    town, gone = json.loads(done.stdout)
    assert done.exit_code == 1 and (town["state"], town["rows"], gone["state"]) == ("committed", 1, "failed")
    assert "文件夹不存在" in run(app, ["pull", "gone"]).stdout
    assert run(app, ["pull", "town"]).exit_code == 0
    shown = json.loads(run(app, ["sources", "--json"]).stdout)
    systems = {one["source"]: one for one in shown if one["source"]}
    assert {name: one["state"] for name, one in systems.items()} == {
        "town": "ok",
        "gone": "failed",
        "later": "never",
    }
    assert systems["town"]["rows"] == 1 and systems["town"]["silence_hours"] == 0.0
    city.at("2017-12-01 17:00")
    assert run(app, ["pull", "town"]).exit_code == 0
    [town] = [one for one in json.loads(run(app, ["sources", "--json"]).stdout) if one["source"] == "town"]
    assert (town["state"], town["silence_hours"], town["last_load_at"]) == (
        "silent",
        6.0,  # office hours from 8:30 to 12 and from 14:30
        "2017-12-01T17:00:00",
    )
    shown = run(app, ["sources"]).stdout
    assert "沉默" in shown and "失败" in shown and "未取过" in shown
