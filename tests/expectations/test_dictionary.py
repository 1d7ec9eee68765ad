"""The data dictionary says everything that the specification says, and needs nothing to be read but itself."""

import json
import re
from datetime import date
from html.parser import HTMLParser

import openpyxl
import pytest
from typer.testing import CliRunner

from expectations.dictionary import dictionary, page, rows, workbook
from expectations.loading import load_specification
from expectations.spec_commands import spec_app
from wangting import settings
from wangting.errors import WangtingError

SITE = settings.REPOSITORY / "tests" / "sites" / "receipt_log"


class _Read(HTMLParser):
    """Text, anchors and links of a page; a tag that is not closed, or closed twice, is an error."""

    def __init__(self):
        super().__init__()
        self.text, self.ids, self.links, self.tags, self._open = [], [], [], set(), []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.tags.add(tag)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [value for name, value in attrs if name in ("href", "src", "action")]
        if tag not in ("meta", "br", "link", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def told():
    """The dictionary of 2016 as a site with many changes applies it."""
    changed = load_specification("2016", SITE / "specification.yml")
    return dictionary(changed, load_specification("2016"), [load_specification("2013")], "某市<b>&</b>")


@pytest.fixture(scope="module")
def shown(told):
    """The page, read."""
    reader = _Read()
    reader.feed(page(told, date(2017, 11, 30)))
    reader.close()
    assert not reader._open
    return reader


def test_every_record_field_code_and_rule_is_on_the_page(shown):
    text = "\n".join(shown.text)
    specification = load_specification("2016", SITE / "specification.yml")
    for name, record in specification.records.items():
        assert name in shown.ids
        for official, field in record.fields.items():
            assert official in text and field.title in text
            assert not field.note or field.note in text
        for rule_id, rule in record.rules.items():
            assert {rule_id, rule.title, rule.reason, rule.mend} <= set(shown.text)
    for name, listed in specification.code_lists.items():
        assert f"list-{name}" in shown.ids
        assert set(listed.codes.values()) <= set(shown.text)
    assert {"VERSION", "REC_FLAG", "INSERTTIME", "RESPONSETIME"} <= set(shown.text)


def test_the_page_needs_nothing_from_elsewhere_and_its_links_lead_somewhere(told, shown):
    assert not shown.tags & {"script", "img", "link", "iframe"}
    assert all(link.startswith("#") and link[1:] in shown.ids for link in shown.links)
    assert len(shown.ids) == len(set(shown.ids))
    assert not re.search(r"url\(|@import|https?:", page(told, date(2017, 11, 30)))


def test_what_a_site_writes_is_text_on_the_page(shown):
    assert any("某市<b>&</b>" in text for text in shown.text)


def test_what_the_site_changed_is_marked_with_its_reason(told, shown):
    records = {record.name: record for record in told.records}
    fields = {field.name: field for field in records["EX_GDBS_SB"].fields}
    assert "the log has no applicant" in fields["SQRMC"].site and not fields["SXMC"].site
    disabled = {rule.rule_id: rule.site for rule in records["EX_GDBS_SB"].rules}
    assert (
        "the log's case number has no date in it" in disabled["N2.sblsh_date"] and not disabled["L1.future"]
    )
    assert any("the log has no applicant" in text for text in shown.text)


def test_what_a_version_brought_is_marked(told):
    (record,) = (record for record in told.records if record.name == "EX_GDBS_SB")
    since = {field.name: field.since for field in record.fields}
    assert (since["WSSBQD"], since["SXBM"]) == ("2016", "2013")


def test_the_workbook_has_four_filtered_sheets_with_every_row(told, tmp_path):
    path = tmp_path / "dictionary.xlsx"
    workbook(told, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["记录类型", "字段", "代码表", "规则"]
    for name, lines in rows(told).items():
        sheet = book[name]
        assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == sheet.dimensions
        assert sheet.max_row == len(lines) + 1 and all(len(line) == sheet.max_column for line in lines)
        widths = [sheet.column_dimensions[cell.column_letter].width for cell in sheet[1]]
        assert all(cell.value for cell in sheet[1]) and all(width >= 6 for width in widths)
        assert not [cell for line in sheet for cell in line if cell.data_type == "f"]
    codes = {(line[0], line[2]) for line in book["代码表"].iter_rows(min_row=2, values_only=True)}
    assert ("certificate_type", "001") in codes and ("approval_step", "02") in codes


@pytest.fixture
def run(home, monkeypatch):
    """`wangting spec …` in a fresh house of the site with many changes."""
    monkeypatch.setenv("WANGTING_SITE", str(SITE))
    return lambda *words: CliRunner().invoke(spec_app, list(words))


def test_the_commands_write_show_compare_and_check(run, tmp_path):
    files = [str(tmp_path / name) for name in ("a.html", "a.xlsx")]
    made = json.loads(run("dictionary", "--html", files[0], "--xlsx", files[1], "--json").stdout)
    assert made == {"version": "2016", "files": files}
    shown = json.loads(run("show", "ex_gdbs_sb", "--json").stdout)
    assert shown["fields"]["WSSBQD"]["source"] == "seen"
    assert all(rule["reason"] for rule in shown["rules"]) and shown["changes"]
    about = json.loads(run("show", "--on", "2015-06-30", "--json").stdout)
    assert (about["version"], about["valid_until"]) == ("2013", "2016-01-01")
    assert {each["record"] for each in about["records"] if not each["exchanged"]} == {
        "EX_GDBS_SBCL", "EX_GDBS_SPJG", "EX_GDBS_BMXX", "EX_GDBS_FWSX", "EX_GDBS_SXJZ",
    }  # fmt: skip
    differs = json.loads(run("diff", "--site", "--json").stdout)
    assert {"subject": "field", "place": "EX_GDBS_BJ.SFJE", "change": "changed", "attribute": "required",
            "old": True, "new": False} in differs["differences"]  # fmt: skip
    assert any(each["attribute"] == "disabled" for each in differs["differences"])
    assert "EX_GDBS_SB.WSSBQD" in run("diff", "2013", "2016").stdout
    checked = json.loads(run("check", "--json").stdout)
    assert [line["name"] for line in checked] == ["2013 版", "2016 版", "本站点"]
    assert not any(line["error"] for line in checked)


def test_a_site_that_is_wrong_is_told_among_what_is_right(run, tmp_path, monkeypatch):
    site = tmp_path / "site"
    site.mkdir()
    (site / "site.yml").write_text(
        (SITE / "site.yml").read_text("utf-8").replace("[receipt_log]", "[]"), "utf-8"
    )
    (site / "specification.yml").write_text("disable_rules: {N9.none: 写错}\n", "utf-8")
    monkeypatch.setenv("WANGTING_SITE", str(site))
    done = run("check")
    assert done.exit_code == 1
    assert "2016 版无误" in done.stdout and "本站点有误" in done.stdout and "没有规则 N9.none" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dictionary"], "没有写明写成什么文件"),
        (["show", "EX_GDBS_XX"], "没有记录类型 EX_GDBS_XX"),
        (["show", "--on", "昨天"], "日期 昨天 读不懂"),
        (["show", "--version", "2014"], "没有 2014 版"),
        (["show", "--version", "2013", "--on", "2015-01-01"], "只能写一个"),
        (["diff", "2013"], "没有写明比较哪两个版本"),
        (["diff", "2013", "2016", "--site"], "--site 只与一个版本比较"),
        (["dictionary", "--html", "/dev/null/x.html"], "写不进去"),
        (["dictionary", "--xlsx", "/dev/null/x.xlsx"], "写不进去"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run, words, said):
    done = run(*words)
    assert isinstance(done.exception, WangtingError) and said in str(done.exception)
