"""The specification's files: a mistake is one sentence with file, line and field; a site's change says why."""

import shutil

import pytest

from expectations import loading
from expectations.checks import CHECKS, Length, Required
from expectations.compiling import judgements, rule_version
from expectations.loading import load_specification
from expectations.masking import masked
from wangting.errors import WangtingError


@pytest.fixture
def folder(tmp_path):
    """A copy of the specification's versions to spoil."""
    return shutil.copytree(loading.FOLDER, tmp_path / "versions")


def _spoil(folder, name, old, new):
    path = folder / "2013" / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return 1 + text[: text.index(old)].count("\n")


SPOILT = [
    ("ex_gdbs_bj.yml", "BJJGMS: {name: result_note", "BJJGMS: {nmae: result_note", "fields.BJJGMS"),
    ("ex_gdbs_bj.yml", "type: number", "type: nubmer", "fields.SFJE.type"),
    ("ex_gdbs_bj.yml", "codes: closing_result", "codes: closing_results", "没有代码表 closing_results"),
    ("ex_gdbs_bj.yml", "check: not_before,", "check: not_befor,", "rules.L1.order.expect"),
    ("ex_gdbs_bj.yml", "{field: BJJGDM, check", "{field: BJJGDN, check", "没有字段 BJJGDN"),
    ("ex_gdbs_bj.yml", "fields: [SFJE, ZJGZMC, ZJBH", "fields: [SFJE, ZJGZMC", "ZJBH.required_when"),
    ("ex_gdbs_bj.yml", "severity: block", "severity: blok", "severity"),
    ("ex_gdbs_bj.yml", "of: ctx_has_acceptance", "of: has_acceptance", "没有字段 has_acceptance"),
    ("ex_gdbs_bj.yml", "type: text, bytes: 50, required", "type: text, required", "SBLSH.bytes"),
    ("specification.yml", "length_encoding: gbk", "length_encoding: gb2312", "length_encoding"),
    ("specification.yml", "  - EX_GDBS_BJ\n", "  - EX_GDBS_BJJ\n", "EX_GDBS_BJJ"),
    ("code_lists.yml", 'codes: {"G"', "codes: {1", "limit_unit"),
]


@pytest.mark.parametrize(("name", "old", "new", "named"), SPOILT, ids=[each[3] for each in SPOILT])
def test_a_mistake_in_a_file_is_named_with_file_and_field(folder, name, old, new, named):
    _spoil(folder, name, old, new)
    with pytest.raises(WangtingError) as caught:
        load_specification(folder=folder)
    assert named in str(caught.value) and name in caught.value.place
    assert caught.value.mend


def test_a_misspelt_attribute_is_named_with_its_line(folder):
    line = _spoil(folder, "ex_gdbs_sb.yml", "SXMC: {name", "SXMC: {requierd: true, name")
    with pytest.raises(WangtingError, match=rf"ex_gdbs_sb.yml 第 {line} 行.*SXMC.requierd"):
        load_specification(folder=folder)


def test_a_file_that_is_missing_is_named(folder):
    (folder / "2013" / "code_lists.yml").unlink()
    with pytest.raises(WangtingError, match=r"code_lists.yml】文件不存在"):
        load_specification(folder=folder)
    with pytest.raises(WangtingError, match="没有 1999 版交换规范"):
        load_specification("1999")


def test_every_check_of_the_vocabulary_is_used_by_the_specification(specification):
    used = {
        each.check.kind for record in specification.exchanged for each in judgements(specification, record)
    }
    assert used == set(CHECKS)


def test_every_judgement_tells_the_owing_unit_how_to_mend(specification):
    for record in specification.exchanged:
        rules = judgements(specification, record)
        assert len({each.key for each in rules}) == len(rules)
        for each in rules:
            assert each.mend and "{" not in each.mend and each.title


def _override(tmp_path, text):
    path = tmp_path / "specification.yml"
    path.write_text(text, "utf-8")
    return path


def test_a_site_relaxes_fields_codes_keys_and_dates_and_switches_rules_off(specification, tmp_path):
    changed = load_specification(
        override=_override(
            tmp_path,
            """
fields:
  EX_GDBS_SB: {SXBM: {required: false, format: null, bytes: 60, why: 本系统没有事项编码}}
  EX_GDBS_SL: {BSLYY: {required_when: null, why: 本系统没有原因}}
codes: {channel: {"2": {title: 电子邮件, why: 本系统有}}}
keys: {EX_GDBS_SPCL: {value: [SBLSH, SPBZH], why: 一秒内可有两步}}
earliest_date: {value: 2010-01-01, why: 历史数据}
length_encoding: {value: utf-8, why: 接收方按 UTF-8 计}
disable_rules: {N3.mobile: 本系统只有座机}
""",
        )
    )
    rules = judgements(changed, "EX_GDBS_SB")
    assert not [each for each in rules if each.field == "SXBM" and isinstance(each.check, Required)]
    length = next(each.check for each in rules if each.field == "SXBM" and isinstance(each.check, Length))
    assert (length.limit, length.encoding) == (60, "utf-8")
    assert "N2.sxbm" not in {each.rule_id for each in rules}
    assert "N3.mobile" not in {each.rule_id for each in rules}
    assert changed.codes["channel"]["2"] == "电子邮件" and changed.records["EX_GDBS_SPCL"].key == [
        "SBLSH",
        "SPBZH",
    ]
    assert str(changed.general.earliest_date) == "2010-01-01"
    assert "C3.refusal_reason" not in {each.rule_id for each in judgements(changed, "EX_GDBS_SL")}
    assert rule_version(changed) != rule_version(specification)
    assert len(changed.changes) == 7


OVERRIDES = [
    ("fields: {EX_GDBS_SB: {SXBM: {required: false}}}", "缺少 why"),
    ("fields: {EX_GDBS_SB: {SXBN: {required: false, why: x}}}", "没有字段 SXBN"),
    ("fields: {EX_GDBS_SX: {SXBM: {required: false, why: x}}}", "没有记录类型 EX_GDBS_SX"),
    ("fields: {EX_GDBS_SB: {SXBM: {name: code, why: x}}}", "站点不能改这一项"),
    ("fields: {EX_GDBS_SB: {SXBM: {bytes: many, why: x}}}", "fields.EX_GDBS_SB.SXBM.bytes"),
    ("fields: {EX_GDBS_SB: {TJFS: {codes: chanel, why: x}}}", "没有代码表 chanel"),
    ('codes: {chanel: {"2": {title: 邮件, why: x}}}', "没有这个代码表"),
    ('codes: {channel: {"2": {title: 邮件}}}', "codes.channel.2.why"),
    ("keys: {EX_GDBS_SPCL: {value: [SBLSH, SPBZ], why: x}}", "没有字段 SPBZ"),
    ("earliest_date: {value: 哪一天都行, why: x}", "earliest_date.value"),
    ("disable_rules: {N3.mobil: x}", "没有规则 N3.mobil"),
    ("disable_rule: {N3.mobile: x}", "disable_rule"),
]


@pytest.mark.parametrize(("text", "named"), OVERRIDES, ids=[each[1] for each in OVERRIDES])
def test_a_mistake_in_a_sites_changes_is_named_with_its_line(tmp_path, text, named):
    with pytest.raises(WangtingError) as caught:
        load_specification(override=_override(tmp_path, f"# a site\n{text}\n"))
    assert named in str(caught.value) and "specification.yml 第 2 行" in caught.value.place


@pytest.mark.parametrize(
    ("value", "mask", "shown"),
    [
        ("陈小明", "name", "陈**"),
        ("445102196001010017", "identifier", "445***17"),
        ("12345", "identifier", "（5字）"),
        ("13800138000", "phone", "138****8000"),
        ("身体原因", "text", "（4字）"),
        ("EX", None, "EX"),
        (None, "name", None),
        ("长" * 61, None, "长" * 60 + "…（共61字）"),
    ],
)
def test_a_value_is_masked_by_its_fields_kind(value, mask, shown):
    assert masked(value, mask) == shown
