"""Check digits and structures of Chinese identifiers, vectorised over the bytes of a text column.

Sources: GB 11643 (citizen's number), GB 32100-2015 (unified social credit code), GB 11714 (organisation code).
"""

import numpy as np
import numpy.typing as npt

from expectations.vectors import Bytes, Mask, Text

_ZERO, _NINE, _X, _SMALL_X = ord("0"), ord("9"), ord("X"), ord("x")
_ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_ID_CHECK = np.frombuffer(b"10X98765432", np.uint8)
_CREDIT_ALPHABET = b"0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28])
_ORG_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def _values(alphabet: bytes) -> npt.NDArray[np.int64]:
    """Byte → its value in the alphabet, -1 for a stranger."""
    table = np.full(256, -1, np.int64)
    table[np.frombuffer(alphabet, np.uint8)] = np.arange(len(alphabet))
    return table


_CREDIT_VALUE, _ORG_VALUE = _values(_CREDIT_ALPHABET), _values(_ORG_ALPHABET)


def _are_digits(matrix: Bytes) -> Mask:
    answer: Mask = np.all((matrix >= _ZERO) & (matrix <= _NINE), axis=1)
    return answer


def _is_date(digits: npt.NDArray[np.int64]) -> Mask:
    """Rows of eight digits yyyymmdd: is it a day between 1800 and 2199?"""
    year = digits[:, :4] @ np.array([1000, 100, 10, 1])
    month = digits[:, 4] * 10 + digits[:, 5]
    day = digits[:, 6] * 10 + digits[:, 7]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = _MONTH_DAYS[np.where(month <= 12, month, 0)] + ((month == 2) & leap)
    answer: Mask = (year >= 1800) & (year < 2200) & (day >= 1) & (day <= last)
    return answer


def is_id_number(text: Text) -> Mask:
    """18 characters with a real day of birth and the right check character (x as X), or 15 digits likewise."""
    rows, matrix = text.matrix(18)
    fine = _are_digits(matrix[:, :17])
    digits = np.where(fine[:, None], matrix[:, :17].astype(np.int64) - _ZERO, 0)
    last = np.where(matrix[:, 17] == _SMALL_X, _X, matrix[:, 17])
    answer = text.spread(
        rows, fine & _is_date(digits[:, 6:14]) & (last == _ID_CHECK[(digits @ _ID_WEIGHTS) % 11])
    )
    rows, matrix = text.matrix(15)
    fine = _are_digits(matrix)
    digits = np.where(fine[:, None], matrix.astype(np.int64) - _ZERO, 0)
    century = np.broadcast_to(np.array([1, 9]), (len(digits), 2))
    # Once "19" is put in, the check character is derived: only the date can be wrong.
    short = fine & _is_date(np.hstack([century, digits[:, 6:12]]))
    return answer | text.spread(rows, short)


def is_credit_code(text: Text) -> Mask:
    """18 characters of the code's alphabet with the right check character."""
    rows, matrix = text.matrix(18)
    values = _CREDIT_VALUE[matrix]
    fine = (values >= 0).all(axis=1)
    return text.spread(rows, fine & (values[:, 17] == (31 - (values[:, :17] @ _CREDIT_WEIGHTS) % 31) % 31))


def _org_code(matrix: Bytes) -> Mask:
    values = _ORG_VALUE[matrix[:, :8]]
    check = 11 - (values @ _ORG_WEIGHTS) % 11
    expected = np.where(check == 10, _X, np.where(check == 11, _ZERO, check + _ZERO))
    answer: Mask = (values >= 0).all(axis=1) & (matrix[:, 8] == expected)
    return answer


def is_org_code(text: Text) -> Mask:
    """Nine characters with the right check character."""
    rows, matrix = text.matrix(9)
    return text.spread(rows, _org_code(matrix))


def is_item_code(text: Text) -> Mask:
    """26 characters: 9 digits, an organisation code, 1 digit, 1 level digit, 6 digits of the division."""
    rows, matrix = text.matrix(26)
    return text.spread(
        rows, _are_digits(matrix[:, :9]) & _org_code(matrix[:, 9:18]) & _are_digits(matrix[:, 18:])
    )


def are_digits(text: Text, size: int, first: str = "") -> Mask:
    """Exactly `size` digits, the first as given."""
    rows, matrix = text.matrix(size)
    fine = _are_digits(matrix)
    if first:
        fine = fine & (matrix[:, 0] == ord(first))
    return text.spread(rows, fine)


def is_case_number(text: Text) -> Mask:
    """29 characters: 19 capitals or digits, then 10 digits; or the later family of 43: 31, then 12 digits."""
    answer = np.zeros(len(text), bool)
    for size, tail in ((29, 10), (43, 12)):
        rows, matrix = text.matrix(size)
        head = (_ORG_VALUE[matrix[:, : size - tail]] >= 0).all(axis=1)
        answer |= text.spread(rows, head & _are_digits(matrix[:, size - tail :]))
    return answer
