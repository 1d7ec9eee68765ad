"""The page of a failed batch: complete counts, few and masked examples, Chinese, and nothing fetched from anywhere."""

import json
import re
import stat
from datetime import datetime

import pyarrow.parquet as pq
import pytest

from expectations import documents, gate
from expectations.commands import gate as command
from tests.expectations import records
from tests.expectations.conftest import gated
from wangting import ledger
from wangting.errors import WangtingError

SB, BJ = "EX_GDBS_SB", "EX_GDBS_BJ"


def _rows(specification, count, record=SB):
    return [records.valid(specification, record, number) for number in range(count)]


def _page(specification, tmp_path, rows):
    records.write(specification, SB, rows, tmp_path / "b1")
    _, verdicts = gated(specification, tmp_path / "b1")
    place = documents.make(verdicts, specification)
    return place.read_text("utf-8") if place else None


def _text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</style>")[1]))


def test_the_page_names_rule_field_reason_and_how_to_mend_it(specification, tmp_path):
    rows = _rows(specification, 30)
    for row in rows[:20]:
        row["tjfs"] = "7"
    rows[25]["lxrsj"] = "0768-2212345"
    text = _text(_page(specification, tmp_path, rows))
    for piece in (
        "批次 b1 的校验结果", "申办（EX_GDBS_SB）", "阻断", "代码应在代码表之内", "N1.code TJFS 提交方式",
        "怎样更正：将提交方式",
        "20 条，占 66.67%", "另有 10 条", "提醒", "手机号码应为 1 开头的 11 位数字", "076****2345", records.UNIT,
    ):  # fmt: skip
        assert piece in text.replace("　", " "), piece
    assert text.count(" 7 ") == documents.EXAMPLES
    assert "0768-2212345" not in text


def test_no_personal_value_reaches_the_page_and_no_markup_of_a_value_takes_effect(specification, tmp_path):
    rows = _rows(specification, 3)
    rows[0]["sqrzjhm"] = "445102196001010007"
    rows[1]["sqrmc"] = "测试人员"
    rows[2]["tjfs"] = "<script>alert(1)</script>$cell${n}"
    page = _page(specification, tmp_path, rows)
    assert "445102196001010007" not in page and "测试人员" not in page
    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;$cell${n}" in page


def test_the_page_fetches_nothing(specification, tmp_path):
    rows = _rows(specification, 1)
    rows[0]["tjfs"] = "7"
    page = _page(specification, tmp_path, rows)
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!#)", page)
    assert "://" not in page and "@import" not in page and "url(" not in page
    assert "default-src 'none'" in page


def test_what_could_not_be_checked_is_on_the_page(specification, tmp_path):
    path = records.write(specification, SB, _rows(specification, 3), tmp_path / "b1")
    pq.write_table(pq.read_table(path).drop_columns(["ctx_item_is_known"]), path)
    _, verdicts = gated(specification, tmp_path / "b1")
    text = _text(documents.make(verdicts, specification).read_text("utf-8"))
    assert "未能检查" in text and "N4.item_known" in text and "3 条暂留（缺少所需的列）" in text
    assert "数据无需改动" in text


def test_a_batch_that_passed_has_no_page(specification, tmp_path):
    rows = _rows(specification, 3)
    rows[0]["lxrsj"] = "0768-2212345"  # a warning holds nothing
    assert _page(specification, tmp_path, rows) is None


def test_a_rule_that_is_no_more_is_still_shown(specification, tmp_path):
    rows = _rows(specification, 2)
    rows[0]["tjfs"] = "7"
    records.write(specification, SB, rows, tmp_path / "b1")
    _, verdicts = gated(specification, tmp_path / "b1")
    later = specification.model_copy(update={"disabled": {"N1.code": "why"}})
    assert "现行规范中已没有这条规则" in documents.make(verdicts, later).read_text("utf-8")


def test_every_record_type_has_its_part(specification, tmp_path):
    for record in records.CONTEXT:
        rows = _rows(specification, 2, record)
        rows[0]["sxbm"] = None
        records.write(specification, record, rows, tmp_path / "b1")
    _, verdicts = gated(specification, tmp_path / "b1")
    page = documents.make(verdicts, specification).read_text("utf-8")
    for record in records.CONTEXT:
        assert f"{specification.records[record].title}（{record}）" in page
    assert page.count('id="section-') >= 11


@pytest.fixture
def cut(home, specification):
    """A batch in the ledger with one bad record."""
    rows = _rows(specification, 3)
    rows[0]["tjfs"] = "7"
    records.write(specification, SB, rows, home / "batches" / "b1")
    ledger.record(
        ledger.batches, batch_id="b1", state="cut", mode="full", cut_at=datetime(2017, 12, 1, 12), rows=3
    )
    return home / "verdicts" / "b1" / "documents"


def test_the_gate_makes_the_page_says_where_it_is_and_keeps_it_private(cut, capsys):
    command(batch=None, documents=False, as_json=True)
    told = json.loads(capsys.readouterr().out)
    page = cut / "index.html"
    assert told[0]["documents"] == str(page)
    assert stat.S_IMODE(cut.stat().st_mode) == 0o700
    assert [(each.name, stat.S_IMODE(each.stat().st_mode)) for each in cut.iterdir()] == [
        ("index.html", 0o600)
    ]


def test_the_page_can_be_made_again(cut, capsys):
    gate.judge("b1")
    page = cut / "index.html"
    before = page.read_text("utf-8")
    page.unlink()
    command(batch="b1", documents=True, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"batch_id": "b1", "documents": str(page)}
    assert page.read_text("utf-8") == before
    gate.judge("b1")  # once more, over what is there
    assert page.read_text("utf-8") == before


def test_a_page_without_a_judgement_is_one_clear_sentence(cut):
    with pytest.raises(WangtingError, match="批次 b9 没有判定结果"):
        command(batch="b9", documents=True, as_json=True)
    with pytest.raises(WangtingError, match="没有写明批次"):
        command(batch=None, documents=True, as_json=True)


def test_a_page_that_cannot_be_made_does_not_stop_the_gate(cut, monkeypatch):
    def broken(*_):
        raise RuntimeError("445102196001010007")

    monkeypatch.setattr(documents, "make", broken)
    summary = gate.judge("b1")
    assert summary.documents is None and summary.total("held") == 1
