"""Versions of the specification: which one is in force, what an overlay may say, and what differs."""

import shutil
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from expectations import loading
from expectations.differing import differences
from expectations.loading import load_specification
from simulator.province import specification as province
from wangting import specification as layers
from wangting.errors import WangtingError


@pytest.fixture
def folder(tmp_path):
    """A copy of the versions to change."""
    return shutil.copytree(loading.FOLDER, tmp_path / "versions")


def _write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")


def _head(name, base, first, **more):
    return {"version": name, "base": base, "title": name, "valid_from": first, "source": "测试"} | more


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2010, 10, 1), "2013"),  # before the first there is nothing else to go by
        (date(2015, 12, 31), "2013"),
        (date(2016, 1, 1), "2016"),
        (date(2017, 11, 30), "2016"),
    ],
)
def test_the_version_in_force_is_that_of_the_day(day, version):
    assert load_specification(on=day).general.version == version
    assert ("WSSBQD" in province.read(on=day).records["EX_GDBS_SB"].fields) == (version == "2016")


def test_a_version_ends_where_the_next_begins():
    ends = {each.name: each.valid_until for each in layers.versions()}
    assert ends == {"2013": date(2016, 1, 1), "2016": None}
    assert load_specification("2013").general.valid_until == date(2016, 1, 1)


def test_a_site_pins_a_version_with_a_reason(tmp_path):
    path = tmp_path / "specification.yml"
    path.write_text('version: {value: "2013", why: 省网尚未启用}\n', "utf-8")
    pinned = load_specification(override=path, on=date(2017, 11, 30))
    assert pinned.general.version == "2013"
    assert pinned.changes == ["采用 2013 版规范：省网尚未启用"]
    assert "WSSBQD" not in province.read(override=path, on=date(2017, 11, 30)).records["EX_GDBS_SB"].fields


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('version: {value: "2013"}', "version"),
        ('version: "2013"', "version"),
        ('version: {value: "2014", why: x}', "没有 2014 版"),
        (
            "fields: {EX_GDBS_SB: {WSSBQD: {bytes: 2, why: x}}}\nversion: {value: '2013', why: x}",
            "没有字段 WSSBQD",
        ),
        ("thresholds: {bulk_entry_case: {value: 5, why: x}}", "没有阈值 bulk_entry_case"),
    ],
)
def test_a_pin_that_does_not_fit_is_named_with_its_line(tmp_path, text, named):
    path = tmp_path / "specification.yml"
    path.write_text(f"# a site\n{text}\n", "utf-8")
    with pytest.raises(WangtingError, match=r"specification\.yml 第 2 行") as caught:
        load_specification(override=path)
    assert named in str(caught.value)


def test_the_additions_of_2016_and_nothing_else_differ():
    found = differences(load_specification("2013"), load_specification("2016"))
    assert {each.place.partition(".")[2] for each in found if each.subject == "field"} == {
        "SXBBH", "SXQXBM", "PROJECT_CODE", "SBCKDM", "CKFWRYZJHM", "CKFWRYXM", "WSSBQD", "OBTAIN_PAPER_WAY",
        "OBTAIN_DELIVER_WAY", "YWCKDM",
    }  # fmt: skip
    assert {each.place for each in found if each.subject == "transport_field"} == {
        "REC_FLAG", "INSERTTIME", "RESPONSETIME",
    }  # fmt: skip
    assert {each.subject for each in found} == {"field", "transport_field", "code_list"}
    assert not [each for each in found if each.change == "removed"]


def test_every_difference_of_an_overlay_is_told(folder):
    _write(
        folder / "2020" / "specification.yml",
        _head("2020", "2016", date(2020, 1, 1), change={"earliest_date": date(2015, 1, 1)}),
    )
    _write(
        folder / "2020" / "ex_gdbs_sb.yml",
        {
            "record": "EX_GDBS_SB",
            "change": {"fields": {"SXMC": {"bytes": 300}}, "rules": {"N3.test_name": {"severity": "warn"}}},
            "add": {"fields": {"LXRYX": {"required": True}}},
            "remove": {"fields": ["QDFS"], "rules": ["N3.credit_code"]},
        },
    )
    _write(
        folder / "2020" / "code_lists.yml",
        {"add": {"closing_result": {"codes": {"9": "其他"}}}, "remove": {"channel": {"codes": ["8"]}}},
    )
    old, new = (load_specification(name, folder=folder) for name in ("2016", "2020"))
    told = {
        (each.subject, each.place, each.change, each.attribute, each.old, each.new)
        for each in differences(old, new)
    }
    assert told == {
        ("general", "earliest_date", "changed", "earliest_date", "2013-01-01", "2015-01-01"),
        ("field", "EX_GDBS_SB.SXMC", "changed", "bytes", 200, 300),
        ("field", "EX_GDBS_SB.LXRYX", "changed", "required", False, True),
        ("field", "EX_GDBS_SB.QDFS", "removed", None, "渠道", None),
        ("rule", "EX_GDBS_SB/N3.test_name", "changed", "severity", "block", "warn"),
        ("rule", "EX_GDBS_SB/N3.credit_code", "removed", None, "统一社会信用代码的校验位应正确", None),
        ("code", "closing_result.9", "added", None, None, "其他"),
        ("code", "channel.8", "removed", None, "快递", None),
    }
    assert {each.place for each in differences(new, old)} == {place for _, place, *_ in told}
    theirs = province.read(folder, on=date(2020, 6, 1))
    fields = theirs.records["EX_GDBS_SB"].fields
    assert "QDFS" not in fields and fields["SXMC"].length == 300 and fields["LXRYX"].required
    assert fields["TJFS"].codes == {"0", "1"}


OVERLAYS = [
    ({"add": {"fields": {"SXMC": {"bytes": 300}}}}, "add.fields.SXMC.bytes：所依据的版本已有"),
    ({"change": {"fields": {"SXMD": {"bytes": 300}}}}, "change.fields.SXMD：所依据的版本没有"),
    ({"change": {"fields": {"SXMC": {"note": "x"}}}}, "change.fields.SXMC.note：所依据的版本没有"),
    ({"change": {"fields": {"SXMC": {"bytes": 200}}}}, "没有改动"),
    ({"remove": {"fields": ["SXMD"]}}, "没有 SXMD"),
    ({"remove": {"feilds": ["SXMC"]}}, "remove.feilds：所依据的版本没有"),
    ({"fields": {"SXMC": {"bytes": 300}}}, "fields：叠加的文件只写 add、change、remove"),
    (
        {"add": {"fields": {"NEW": {"name": "new", "title": "新", "type": "text", "confidence": "low"}}}},
        "NEW.bytes",
    ),
    ({"add": {"rules": {"C9.new": {"family": "x"}}}}, "rules.C9.new"),
    ({"remove": {"fields": ["SBSJ"]}}, "没有字段 SBSJ"),
    ({"change": {"fields": {"SXMC": {"name": "item_code"}}}}, "item_code 已是 SXBM 的名称"),
]


@pytest.mark.parametrize(("content", "named"), OVERLAYS, ids=[each[1] for each in OVERLAYS])
def test_an_overlay_that_does_not_fit_its_base_is_named(folder, content, named):
    _write(folder / "2020" / "specification.yml", _head("2020", "2016", date(2020, 1, 1)))
    _write(folder / "2020" / "ex_gdbs_sb.yml", {"record": "EX_GDBS_SB", **content})
    with pytest.raises(WangtingError, match=r"ex_gdbs_sb\.yml 第 \d+ 行") as caught:
        load_specification("2020", folder=folder)
    assert named in str(caught.value)


HEADS = [
    (_head("2020", "2016", date(2016, 1, 1)), "有效期重叠"),
    (_head("2020", "2016", date(2014, 1, 1)), "不是比 2020 更早的版本"),
    (_head("2020", "2018", date(2020, 1, 1)), "base：2018"),
    (_head("2021", "2016", date(2020, 1, 1)), "与目录名 2020 不一致"),
    (_head("2020", "2016", "明年"), "valid_from：应为生效日期"),
    (_head("2020", "2016", date(2020, 1, 1), order=[]), "order：叠加的文件只写"),
    (_head("2020", "2016", date(2020, 1, 1), change={"order": ["EX_GDBS_SB"]}), "不在 order 之中"),
    (_head("2020", "2016", date(2020, 1, 1), add={"shared_titles": {"L9.x": "x"}}), "没有规则 L9.x"),
]


@pytest.mark.parametrize(("content", "named"), HEADS, ids=[each[1] for each in HEADS])
def test_a_version_that_does_not_fit_the_others_is_named(folder, content, named):
    _write(folder / "2020" / "specification.yml", content)
    with pytest.raises(WangtingError, match=r"\.yml 第 \d+ 行") as caught:
        load_specification("2020", folder=folder)
    assert named in str(caught.value)


def test_a_city_replaces_a_record_by_the_real_text_in_a_version_of_its_own(folder):
    _write(folder / "2021" / "specification.yml", _head("2021", "2016", date(2021, 1, 1)))
    whole = layers.sheet(folder / "2013" / "ex_gdbs_sxjz.yml").content | {
        "record": "EX_GDBS_REAL",
        "kind": "real",
    }
    _write(folder / "2021" / "ex_gdbs_real.yml", whole)
    assert "EX_GDBS_REAL" in load_specification("2021", folder=folder).records
    assert "EX_GDBS_REAL" not in load_specification("2016", folder=folder).records


_NAMES = st.sampled_from(["a", "b", "c"])
_TREES = st.recursive(
    st.integers(0, 2), lambda inner: st.dictionaries(_NAMES, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(_NAMES, _TREES, max_size=3), st.dictionaries(_NAMES, _TREES, max_size=3))
def test_two_readings_of_an_overlay_agree(tmp_path_factory, base, more):
    """What ours takes, the province's own reading makes the same of; what it adds is never something that was there."""
    lower, upper = tmp_path_factory.mktemp("base") / "x.yml", tmp_path_factory.mktemp("over") / "x.yml"
    _write(lower, base)
    _write(upper, {"add": more})
    try:
        ours = layers._laid(layers.sheet(lower), layers.sheet(upper)).content
    except WangtingError:
        assert _meet(base, more)
    else:
        assert ours == province._with(base, more)
        assert not _meet(base, more)


def _meet(base, more):
    """Whether a leaf of one stands where the other has anything."""
    return any(
        name in base
        and (not (isinstance(base[name], dict) and isinstance(value, dict)) or _meet(base[name], value))
        for name, value in more.items()
    )


def test_every_field_says_where_it_comes_from_and_how_sure_that_is():
    for name in loading.versions():
        for record in load_specification(name).records.values():
            for field in record.fields.values():
                assert field.source and field.confidence
                assert field.type != "text" or field.bytes


def test_every_family_of_the_domain_has_its_rules_and_every_rule_says_why():
    specification = load_specification()
    rules = {each.id: each for each in specification.general.field_rules.values()}
    for record in specification.records.values():
        rules |= record.rules
    families = {rule.partition(".")[0] for rule in rules}
    assert families >= {"C1", "C2", "C3", "N1", "N2", "N3", "N4", "L1", "L2", "L3", "U1"}
    for name, rule in rules.items():
        assert rule.reason and rule.mend and rule.reason != rule.mend, name
