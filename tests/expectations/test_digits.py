"""Check digits and lengths: the vectorised forms and the SQL forms against a well-kept library and plain Python."""

import random

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from expectations import digits, sql
from expectations.vectors import Text

CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _text(values):
    return Text(pa.array(values, pa.large_string()))


def _sql(condition, values):
    con = duckdb.connect()
    con.register("t", pa.table({"n": range(len(values)), "x": pa.array(values, pa.string())}))
    rows = con.execute(f"select coalesce({condition}, false) from t order by n").fetchall()
    return [row[0] for row in rows]


def _id_numbers(chance, count):
    made = []
    for _ in range(count):
        born = f"{chance.randint(1799, 2201)}{chance.randint(0, 13):02d}{chance.randint(0, 32):02d}"
        body = f"445102{born}{chance.randint(0, 999):03d}"
        made.append(body + chance.choice([ric.calc_check_digit(body + "0"), "X", "0", "x"]))
    return made


def _is_id(number):
    """By the library: its check digit and its day of birth, in the centuries that people are born in."""
    try:
        born = ric.get_birth_date(number)
    except Exception:
        return False
    return number[-1].upper() == ric.calc_check_digit(number) and 1800 <= born.year < 2200


def test_id_numbers_are_judged_as_the_library_judges_them():
    numbers = _id_numbers(random.Random(7), 4000)
    expected = [_is_id(number) for number in numbers]
    assert 200 < sum(expected) < 3800
    assert digits.is_id_number(_text(numbers)).tolist() == expected
    assert _sql(sql.is_id_number("x"), numbers) == expected


def test_a_number_of_15_digits_is_valid_where_its_long_form_is():
    chance = random.Random(8)
    short = [f"445102{chance.randint(0, 999999):06d}{chance.randint(0, 999):03d}" for _ in range(2000)]
    expected = []
    for number in short:
        long = f"{number[:6]}19{number[6:]}"
        expected.append(_is_id(long + ric.calc_check_digit(long + "0")))
    assert digits.is_id_number(_text(short)).tolist() == expected
    assert _sql(sql.is_id_number("x"), short) == expected


def test_credit_codes_are_judged_as_the_library_judges_them():
    chance = random.Random(9)
    codes = []
    for _ in range(3000):
        body = f"{chance.randint(0, 99999999):08d}" + "".join(chance.choice(CREDIT) for _ in range(9))
        codes.append(body + chance.choice([uscc.calc_check_digit(body), chance.choice(CREDIT + "IOSVZ")]))
    expected = [uscc.is_valid(code) for code in codes]
    assert 500 < sum(expected) < 2900
    assert digits.is_credit_code(_text(codes)).tolist() == expected
    assert _sql(sql.is_credit_code("x"), codes) == expected


def _is_org(code):
    """GB 11714, straightforwardly."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if len(code) != 9 or any(sign not in alphabet for sign in code[:8]):
        return False
    total = sum(
        alphabet.index(sign) * weight for sign, weight in zip(code, (3, 7, 9, 10, 5, 8, 4, 2), strict=False)
    )
    check = 11 - total % 11
    return code[8] == {10: "X", 11: "0"}.get(check, str(check))


def test_organisation_codes_alone_and_inside_item_codes_follow_gb_11714():
    chance = random.Random(10)
    codes = [
        "".join(chance.choice(CREDIT) for _ in range(8)) + chance.choice("0123456789X") for _ in range(4000)
    ]
    codes += ["006988574", "00000000X", "aaaaaaaaa", "00698857", "0069885744"]
    expected = [_is_org(code) for code in codes]
    assert sum(expected) > 200
    assert digits.is_org_code(_text(codes)).tolist() == expected
    assert _sql(sql.is_org_code("x"), codes) == expected
    items = [f"101313005{code}13445100" for code in codes]
    assert digits.is_item_code(_text(items)).tolist() == expected
    assert _sql(sql.is_item_code("x"), items) == expected


def _gbk_bytes(value):
    return sum(1 if ord(sign) < 128 else 4 if ord(sign) > 0xFFFF else 2 for sign in value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), min_size=1, max_size=30), st.integers(1, 40))
def test_lengths_in_bytes_are_those_of_the_characters(values, limit):
    expected = [value is not None and _gbk_bytes(value) > limit for value in values]
    assert _text(values).longer_than(limit, "gbk").tolist() == expected
    assert _sql(sql.gbk_longer_than("x", limit), values) == expected
    in_utf8 = [value is not None and len(value.encode()) > limit for value in values]
    assert _text(values).longer_than(limit, "utf-8").tolist() == in_utf8


@pytest.mark.parametrize("value", ["潮州市湘桥区", "abc", "〇", "（）", "陈𠮷", "「」"])
def test_the_length_of_what_gbk_can_say_is_gbks(value):
    if all(ord(sign) <= 0xFFFF for sign in value):
        assert _gbk_bytes(value) == len(value.encode("gbk"))
    else:
        assert _gbk_bytes(value) == len(value.encode("gb18030"))


def test_a_slice_of_a_column_is_judged_by_its_own_rows():
    column = pa.array([None, "铃\x07", "无", "12345678901", None, "x"], pa.large_string()).slice(1, 4)
    text = Text(column)
    assert text.has_control().tolist() == [True, False, False, False]
    assert text.trimmed_in(["无"]).tolist() == [False, True, False, False]
    assert digits.are_digits(text, 11, "1").tolist() == [False, False, True, False]
    assert text.longer_than(2, "gbk").tolist() == [True, False, True, False]
    assert text.sizes.tolist() == [4, 3, 11, 0]
    assert np.asarray(text.known).tolist() == [True, True, True, False]
