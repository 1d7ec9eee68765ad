"""`wangting site check`: a sound site has no errors; what is spoilt is named."""

import json
import re
import shutil

import pytest

from wangting.settings import REPOSITORY
from wangting.site_check import examine

SITES = sorted((REPOSITORY / "sites").iterdir()) + sorted(
    folder for folder in (REPOSITORY / "tests" / "sites").iterdir() if (folder / "site.yml").is_file()
)


@pytest.fixture
def site(home, tmp_path):
    """A copy of a site that is sound and inherits from none."""
    return shutil.copytree(REPOSITORY / "tests" / "sites" / "receipt_log", tmp_path / "receipt_log")


def errors(path):
    return [finding for finding in examine(path).findings if finding.severity == "error"]


def change(file, before, after):
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.name)
def test_every_site_of_ours_is_sound(home, path):
    assert errors(path) == []


SPOILT = {
    "the plan is unknown": ("site.yml", "plan: CZ17", "plan: CZ99", "CZ99"),
    "the division is short": ("site.yml", '"900100000000"\nzone', '"9001"\nzone', "12 位"),
    "the zone is unknown": ("site.yml", "Europe/Amsterdam", "Europe/Nowhere", "Nowhere"),
    "a source in the order is gone": ("site.yml", "[receipt_log]", "[receipt_log, other]", "other"),
    "the order lacks a source": ("site.yml", "[receipt_log]", "[]", "precedence"),
    "an address is written down": ("sources/receipt_log/source.yml", "${RECEIPT_LOG_DROP}", "/somewhere", "地址"),
    "a system is unknown": ("sources/receipt_log/source.yml", "connect:", "system: nothing\nconnect:", "nothing"),
    "a declaration is broken": ("sources/receipt_log/source.yml", "connect: files", "connect: file", "connect"),
    "a model reads no declared table": (
        "staging/receipt_log/stg_receipt_log__closings.sql", "'events'", "'event'", "receipt_log.event",
    ),
    "a region's parent is unknown": ("seeds/regions.csv", "city,,", "city,999999999999,", "999999999999"),
    "a region is of no level": ("seeds/regions.csv", ",city,", ",province,", "province"),
    "a unit's region is unknown": ("seeds/units.csv", ",900100000000", ",900200000000", "900200000000"),
    "a unit's level is unknown": ("seeds/units.csv", ",municipal,", ",city,", "city"),
    "a column of the units is gone": ("seeds/units.csv", "unit_name", "name", "unit_name"),
    "a column of the code maps is gone": ("seeds/code_maps.csv", "source_code", "own_code", "source_code"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILT)
def test_what_is_spoilt_is_named_with_its_file_and_its_mend(site, case):
    name, before, after, said = SPOILT[case]
    change(site / name, before, after)
    found = errors(site)
    assert found, "nothing was noticed"
    assert any(said in finding.what for finding in found), found
    for finding in found:
        assert str(site) in finding.place and finding.mend
        assert re.search(r"[\u4e00-\u9fff]", finding.what)


@pytest.mark.parametrize("name", ["regions.csv", "units.csv"])
def test_a_seed_that_is_missing_is_named_with_its_columns(site, name):
    (site / "seeds" / name).unlink()
    assert any(name in finding.place and "表头" in finding.mend for finding in errors(site))


def test_a_region_that_stands_twice_is_named_by_its_line(site):
    file = site / "seeds" / "regions.csv"
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([*lines, lines[1]]) + "\n", "utf-8")
    (found,) = errors(site)
    assert "重复" in found.what and f"第 {len(lines) + 1} 行" in found.place


def test_a_folder_without_a_site_is_said_so(home, tmp_path):
    (found,) = errors(tmp_path)
    assert "site.yml" in found.place


def test_variables_that_nobody_has_set_only_warn_and_what_is_set_is_silent(site, monkeypatch):
    def missing():
        return [finding for finding in examine(site).findings if "RECEIPT_LOG_DROP" in finding.what]

    (found,) = missing()
    assert found.severity == "warning"
    monkeypatch.setenv("RECEIPT_LOG_DROP", "/secret-folder")
    assert missing() == []
    assert "secret-folder" not in json.dumps(examine(site).summary(), default=str)


def test_a_kind_that_nobody_stages_is_missed(site):
    for file in (site / "staging" / "receipt_log").glob("*closings*"):
        file.unlink()
    assert any("办结" in finding.what for finding in examine(site).findings)


def test_a_draft_that_nobody_has_gone_through_is_mentioned(site):
    file = site / "staging" / "receipt_log" / "stg_receipt_log__closings.sql"
    file.write_text("-- 待核对\n" + file.read_text("utf-8"), "utf-8")
    assert any(str(file) == finding.place for finding in examine(site).findings)


def test_systems_that_the_plan_names_and_nobody_connects_are_listed(site):
    (found,) = [finding for finding in examine(site).findings if "尚未接入" in finding.what]
    assert "统一身份认证平台" in found.what and found.severity == "warning"


@pytest.mark.parametrize(("spoils", "code"), [(False, 0), (True, 1)])
def test_the_command_answers_in_json_and_by_its_exit_code(site, spoils, code):
    from typer.testing import CliRunner

    from wangting.site_commands import app

    if spoils:
        (site / "seeds" / "units.csv").unlink()
    done = CliRunner().invoke(app, ["check", "--site", str(site), "--json"])
    assert done.exit_code == code
    assert json.loads(done.stdout)["is_sound"] is not spoils


MISNAMED = {
    "a version begins on the day of another": ("{code},甲,municipal,900100000000,,,,", "重复"),
    "a successor is unknown": ("{code},甲,municipal,900100000000,,2017-01-01,2017-07-01,999999999", "999999999"),
    "a successor has no day": ("{code},甲,municipal,900100000000,,2017-01-01,,{code}", "承接部门"),
    "a day is no day": ("{code},甲,municipal,900100000000,,2017-13-01,,", "2017-13-01"),
    "a version ends before it begins": ("{code},甲,municipal,900100000000,,2017-07-01,2017-01-01,", "不晚于"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISNAMED)
def test_a_version_of_a_department_that_does_not_fit_is_named_by_its_line(site, case):
    line, said = MISNAMED[case]
    file = site / "seeds" / "units.csv"
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([*lines, line.format(code=lines[1].split(",")[0])]) + "\n", "utf-8")
    found = errors(site)
    assert any(said in finding.what and f"第 {len(lines) + 1} 行" in finding.place for finding in found), (
        found
    )


def test_a_department_may_have_a_later_version(site):
    file = site / "seeds" / "units.csv"
    lines = file.read_text("utf-8").splitlines()
    later = f"{lines[1].split(',')[0]},甲,municipal,900100000000,,2017-07-01,,"
    file.write_text("\n".join([*lines, later]) + "\n", "utf-8")
    assert errors(site) == []
