"""The XML message: what DuckDB renders is what a plain XML reader gets back."""

import xml.etree.ElementTree as ET
from datetime import datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.receivers import xml_messages
from exchange.receivers.names import names_of
from exchange.records import record_types
from wangting.site import Aliases, current_site

TYPES = {"text": "varchar", "time": "timestamp", "integer": "integer", "number": "decimal(16, 2)"}
KINDS = {kind.record: kind for kind in record_types()}
NAMES = names_of(current_site(), Aliases())
FORBIDDEN = "".join(map(chr, [*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]))
SAYABLE = st.text(st.characters(codec="utf-8", exclude_characters=FORBIDDEN))


def rendered(record, row, version=1):
    """(message, unsendable field) of a row given as official name → value."""
    kind = KINDS[record]
    columns = ", ".join(f"cast(? as {TYPES[field.type]}) as {field.column}" for field in kind.fields)
    values = [row.get(field.official) for field in kind.fields]
    wording = xml_messages.wording(kind, NAMES[record], "445100000000")
    return duckdb.execute(
        f"select {wording.body} as body, {wording.refusal} as refusal from (select {columns}, {version} as version)",
        values,
    ).fetchone()


def read(message):
    """The process and the fields as any XML reader sees them, in their order."""
    (info,) = ET.fromstring(message.encode())
    return info.get("process"), [(field.get("FieldName"), field.text) for field in info]


def test_fields_go_in_the_specifications_order_and_empty_ones_are_left_out():
    row = {
        "SBLSH": "1", "BJJGDM": "0", "SFJE": Decimal("12.50"), "BJSJ": datetime(2017, 12, 1, 9, 5), "BZ": "",
        "XKYF": None,
    }  # fmt: skip
    message, refusal = rendered("EX_GDBS_BJ", row, version=3)
    assert refusal is None
    assert read(message) == (
        "EX_GDBS_BJ",
        [
            ("SBLSH", "1"),
            ("BJJGDM", "0"),
            ("SFJE", "12.50"),
            ("BJSJ", "2017-12-01 09:05:00"),
            ("VERSION", "3"),
        ],
    )


@pytest.mark.parametrize(
    "value", ["<>&\"'", "]]>", "&amp;", "一\n二\r\n三\r四\t五", "😀𠮷", "  首尾  ", "\u2028"]
)
def test_a_value_comes_out_as_it_went_in(value):
    message, refusal = rendered("EX_GDBS_SB", {"SBXMMC": value})
    assert refusal is None
    assert read(message)[1][0] == ("SBXMMC", value)


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("SQRMC", "SBXMMC", "BZ"), SAYABLE)))
def test_any_text_that_xml_can_carry_comes_out_as_it_went_in(row):
    message, refusal = rendered("EX_GDBS_SB", row)
    assert refusal is None
    assert dict(read(message)[1]) == {name: value for name, value in row.items() if value} | {"VERSION": "1"}


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff"])
def test_a_character_that_xml_forbids_names_its_field(character):
    assert rendered("EX_GDBS_SB", {"SQRMC": "张", "BZ": f"备{character}注"})[1] == "BZ"


@pytest.mark.parametrize("record", list(KINDS))
def test_every_record_type_can_be_worded(record):
    values = {"text": "字", "time": datetime(2017, 1, 2), "integer": 7, "number": Decimal("1.5")}
    kind = KINDS[record]
    message, refusal = rendered(record, {field.official: values[field.type] for field in kind.fields})
    assert refusal is None
    assert [name for name, _ in read(message)[1]] == [*(field.official for field in kind.fields), "VERSION"]
