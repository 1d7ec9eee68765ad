"""Aliases and what each dialect can carry: checked against the specification, and undone without a trace."""

import json
import re
from datetime import datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.receivers import front_end_tables, json_messages, receiver_of, xml_messages
from exchange.receivers.names import names_of
from exchange.records import record_types
from tests.exchange.provinces import site_with
from wangting.errors import WangtingError
from wangting.site import Aliases, current_site

TYPES = {"text": "varchar", "time": "timestamp", "integer": "integer", "number": "decimal(16, 2)"}
KINDS = {kind.record: kind for kind in record_types()}
PLAIN = names_of(current_site(), Aliases())
SB, BJ = "EX_GDBS_SB", "EX_GDBS_BJ"


def rendered(wording, record, row, version=1):
    """(message, unsendable field) of a row given as official name → value."""
    kind = KINDS[record]
    columns = ", ".join(f"cast(? as {TYPES[field.type]}) as {field.column}" for field in kind.fields)
    values = [row.get(field.official) for field in kind.fields]
    return duckdb.execute(
        f"select {wording.body} as body, {wording.refusal} as refusal"
        f" from (select {columns}, {version} as version, ? as case_no, ? as record_key)",
        [*values, row.get("SBLSH") or "c", "k"],
    ).fetchone()


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("SQRMC", "SBXMMC", "BZ"), st.text())))
def test_json_carries_every_text(row):
    wording = json_messages.wording(KINDS[SB], PLAIN[SB], "445100000000")
    message, refusal = rendered(wording, SB, row)
    assert refusal is None
    assert json.loads(message) == {
        "sblsh": "c",
        "sptype": 0,
        "spobject": {name: value for name, value in row.items() if value} | {"VERSION": "1"},
    }


@pytest.mark.parametrize("record", list(KINDS))
def test_every_record_type_has_its_number_in_json_and_its_table_at_the_front_end(record):
    values = {"text": "字", "time": datetime(2017, 1, 2), "integer": 7, "number": Decimal("1.5")}
    kind = KINDS[record]
    wording = json_messages.wording(kind, PLAIN[record], "1")
    message = json.loads(rendered(wording, record, {f.official: values[f.type] for f in kind.fields}, 3)[0])
    assert message["sptype"] == kind.number
    assert list(message["spobject"]) == [*(field.official for field in kind.fields), "VERSION"]
    table, index = front_end_tables.table("public", kind, PLAIN[record])
    for field in kind.fields:
        assert re.search(rf"\b{field.column}\b", table)
    assert "primary key (identify, version)" in table and "rec_flag = 0" in index


@pytest.fixture
def front_end(monkeypatch):
    monkeypatch.setenv("FRONT_END_URL", "postgresql://hall:x@127.0.0.1:9/front_end")
    monkeypatch.setenv("WANGTING_PROVINCE_DIALECT", "front_end")
    return receiver_of(current_site())


@settings(max_examples=100, deadline=None)
@given(text=st.text())
def test_the_front_end_refuses_the_null_character_and_nothing_else(text):
    from exchange.receivers.front_end import FrontEndReceiver

    class Unconnected(FrontEndReceiver):
        def __init__(self):
            self.names, self._dept = PLAIN, "1"

    message, refusal = rendered(Unconnected().wording(KINDS[SB]), SB, {"BZ": text, "SQRMC": "\\u0000"})
    assert refusal == ("BZ" if "\0" in text else None)
    assert json.loads(message).get("bz", "") == text


def test_the_environment_chooses_the_dialect_for_one_run(front_end, monkeypatch):
    assert front_end.answers_at_once is False
    monkeypatch.setenv("WANGTING_PROVINCE_DIALECT", "telex")
    with pytest.raises(WangtingError, match=r"WANGTING_PROVINCE_DIALECT】不认识 telex"):
        receiver_of(current_site())
    monkeypatch.setenv("WANGTING_PROVINCE_DIALECT", "front_end")
    monkeypatch.setenv("WANGTING_PROVINCE_ROUTE", "sharing_platform")
    with pytest.raises(WangtingError, match="没有经共享平台的路由"):
        receiver_of(current_site())


GOOD = {
    "records": {"EX_GDBS_BJGZ": "EX_GDBS_BZGZ"},
    "fields": {BJ: {"BJBMZZJDDM": "BJBMZZJGDM"}},
    "codes": {"applicant_type": {"9": "3"}},
}


def test_names_and_codes_are_worded_and_undone():
    names = names_of(current_site(), Aliases.model_validate(GOOD))
    assert names["EX_GDBS_BJGZ"].record == "EX_GDBS_BZGZ"
    row = {"SQRLX": "9", "SQRMC": "9"}
    message, _ = rendered(xml_messages.wording(KINDS[SB], names[SB], "1"), SB, row)
    assert '"SQRLX">3<' in message and '"SQRMC">9<' in message
    assert names[SB].undone({"SQRLX": "3", "SQRMC": "3", "X": "1"}) == {"SQRLX": "9", "SQRMC": "3", "X": "1"}
    assert names[BJ].undone({"BJBMZZJGDM": "u"}) == {"BJBMZZJDDM": "u"}


@pytest.mark.parametrize(
    ("aliases", "told"),
    [
        ({"records": {"EX_GDBS_XX": "EX_A"}}, r"aliases\.records\.EX_GDBS_XX：规范中没有这种记录"),
        ({"fields": {"EX_GDBS_XX": {"A": "B"}}}, "规范中没有这种记录"),
        ({"fields": {BJ: {"BJBMZZJDD": "X"}}}, "EX_GDBS_BJ 没有这个字段"),
        ({"fields": {BJ: {"BJBMMC": "BJSJ"}}}, "BJSJ 已是 BJSJ 在对方的名称"),
        ({"fields": {BJ: {"BJBMMC": "X", "BJSJ": "X"}}}, "读回时无法分辨"),
        ({"fields": {BJ: {"BJBMMC": "VERSION"}}}, "报文自己的字段"),
        ({"fields": {BJ: {"BJBMMC": "x; drop"}}}, "aliases"),
        ({"codes": {"applicant_typ": {"9": "3"}}}, "规范中没有这个代码表"),
        ({"codes": {"applicant_type": {"8": "3"}}}, "代码表中没有这个代码"),
        ({"codes": {"applicant_type": {"9": "1"}}}, "1 已是 1 在对方的名称"),
        ({"records": {"EX_GDBS_BJGZ": "EX_GDBS_SB"}}, "读回时无法分辨"),
    ],
)
def test_a_typo_in_an_alias_is_told_with_file_and_line(home, monkeypatch, tmp_path, aliases, told):
    file = site_with(monkeypatch, tmp_path, aliases=aliases)
    with pytest.raises(WangtingError, match=told) as error:
        site = current_site()
        names_of(site, site.province.aliases)
    line = re.search(r"site\.yml 第 (\d+) 行", str(error.value))
    assert line is not None
    assert int(line[1]) > file.read_text("utf-8").splitlines().index("  aliases:")


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"rate": "fast"}, "rate：.*速率"),
        ({"batch": 5}, "一次只能报送一条"),
        ({"dialect": "front_end", "route": "sharing_platform"}, "前置库"),
        ({"tls": {"key": "${K}"}}, "同时给出"),
        ({"breaker": {"probe_after": ["soon"]}}, "时长"),
    ],
)
def test_a_wrong_setting_of_the_province_is_told_with_file_and_line(
    home, monkeypatch, tmp_path, wanted, told
):
    site_with(monkeypatch, tmp_path, **wanted)
    with pytest.raises(WangtingError, match=told) as error:
        current_site()
    assert re.search(r"site\.yml 第 \d+ 行", str(error.value))
