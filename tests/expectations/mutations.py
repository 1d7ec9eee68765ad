"""Valid records bent in the ways that sources bend them: one field, one kind of damage at a time."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from expectations.model import Specification
from tests.expectations import records

_FULL_WIDTH = str.maketrans("0123456789Xx", "０１２３４５６７８９Ｘｘ")
_XML = ("<", ">", "&", '"', "'", "]]>", "<!--", "&#0;")
_BLANKS = (" ", "　", "\t", "\u00a0", "\n", "\r\n", "")

Change = Callable[[str, int, random.Random], str | None]


def _of_length(size: int, chance: random.Random) -> str:
    """A text of exactly `size` bytes in GBK."""
    wide = chance.randint(0, size // 2)
    return "长" * wide + "a" * (size - 2 * wide)


def _one_digit(text: str, _: int, chance: random.Random) -> str:
    at = [place for place, sign in enumerate(text) if sign in "0123456789"]
    if not at:
        return text + "7"
    place = chance.choice(at)
    return text[:place] + chance.choice("0123456789") + text[place + 1 :]


def _put_in(*pieces: str) -> Change:
    def change(text: str, _: int, chance: random.Random) -> str:
        at = chance.randint(0, len(text))
        return text[:at] + chance.choice(pieces) + text[at:]

    return change


TEXT: dict[str, Change] = {
    "missing": lambda text, limit, chance: None,
    "blank": lambda text, limit, chance: chance.choice(_BLANKS) * chance.randint(1, 3),
    "a filler": lambda text, limit, chance: chance.choice(["无", "1", "-", "/", " 无　", "１", "无无", "--"]),
    "blanks around": lambda text, limit, chance: chance.choice(_BLANKS) + text + chance.choice(_BLANKS),
    "an emoji": _put_in("😀", "👨‍👩‍👧", "🇨🇳", "𠮷"),
    "a control character": _put_in("\x00", "\x01", "\x0b", "\x1f", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffd"),
    "XML specials": _put_in(*_XML),
    "SQL specials": _put_in("'", "%", "_", "\\", "''", "--", ";"),
    "at its limit": lambda text, limit, chance: _of_length(limit, chance),
    "one byte over": lambda text, limit, chance: _of_length(limit + 1, chance),
    "one byte under": lambda text, limit, chance: _of_length(limit - 1, chance),
    "far too long": lambda text, limit, chance: "潮" * (limit + chance.randint(1, 50)),
    "full width": lambda text, limit, chance: text.translate(_FULL_WIDTH),
    "lower case": lambda text, limit, chance: text.lower(),
    "small x": lambda text, limit, chance: text[:-1] + "x",
    "large X": lambda text, limit, chance: text[:-1] + "X",
    "one digit": _one_digit,
    "cut short": lambda text, limit, chance: text[:-1],
    "one more": lambda text, limit, chance: text + chance.choice("09aX"),
    "unknown code": lambda text, limit, chance: chance.choice(["99", "Z", "一", "00", "1 ", "-1"]),
    "a test's name": lambda text, limit, chance: chance.choice(["测试", "测试01", "TEST9", "111", "test ", "测 试"]),
    "an identity number": lambda text, limit, chance: records.id_number(chance.randrange(15000)),
    "a bad birthday": lambda text, limit, chance: chance.choice(
        ["44510219600230001X", "445102600230001", "445102000000000000", "44510218991231001X", "445102290229001"]
    ),
    "another's code": lambda text, limit, chance: chance.choice(
        ["91110000600037341L", "91110000600037341I", "00698857X", "MB2D0X4J5", "445100000000", records.ITEM]
    ),
    "another's case": lambda text, limit, chance: chance.choice(
        [records.ITEM[:19] + "1699999999", "0" * 29, "1" * 31 + "201711200001", records.ITEM[:18] + "91711200001"]
    ),
    "a wrong date": lambda text, limit, chance: chance.choice(["0000-00-00", "20217-01-01", "2017-13-40", "昨天"]),
}  # fmt: skip
_TIMES: tuple[datetime | None, ...] = (
    None, datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1970, 1, 1),
    datetime(2012, 12, 31, 23, 59, 59), datetime(2013, 1, 1), records.CUT_AT,
    records.CUT_AT + timedelta(microseconds=1), records.APPLIED, records.APPLIED - timedelta(microseconds=1),
    records.APPLIED + timedelta(days=1), records.APPLIED + timedelta(days=1, seconds=-1),
)  # fmt: skip
_WHOLE = (None, 0, 1, -1, 19, 20, 21, 99_999, 100_000, -100_000, 99_999_999, 100_000_000, 2**31 - 1, -(2**31))


def mutated(specification: Specification, record: str, number: int, chance: random.Random) -> dict[str, Any]:
    """A valid record with some of its columns bent (now and then none, mostly one)."""
    row = records.valid(specification, record, number) | {"record_key": str(number)}
    limits = {name.lower(): field.bytes for name, field in specification.records[record].fields.items()}
    kinds = {field.name: field.type for field in records.schema(specification, record)}
    columns = [column for column in kinds if column in limits or column.startswith("ctx_")]
    for column in chance.sample(columns, chance.choice([0, 1, 1, 1, 2, 4])):
        row[column] = _bent(row[column], kinds[column], limits.get(column) or 10, chance)
    # Another code of the list: what is asked of a record depends on its codes.
    coded = [
        (name, field.codes) for name, field in specification.records[record].fields.items() if field.codes
    ]
    for name, codes in chance.sample(coded, min(len(coded), chance.choice([0, 0, 1, 2]))):
        row[name.lower()] = chance.choice(list(specification.codes[codes]))
    return row


def _bent(value: Any, kind: pa.DataType, limit: int, chance: random.Random) -> Any:
    if pa.types.is_boolean(kind):
        return chance.choice([None, True, False])
    if pa.types.is_timestamp(kind):
        return chance.choice(_TIMES)
    if not pa.types.is_string(kind):
        return chance.choice(_WHOLE)
    return TEXT[chance.choice(list(TEXT))](value or "", limit, chance)


def batch(specification: Specification, record: str, count: int, seed: int) -> list[dict[str, Any]]:
    """So many mutated records of one type; the seed says which."""
    chance = random.Random(f"{record}|{seed}")
    return [mutated(specification, record, number, chance) for number in range(count)]
