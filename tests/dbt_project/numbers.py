"""Identifiers of persons and legal persons, made and read by others' rules (python-stdnum) or by hand."""

from datetime import date, datetime, timedelta

from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def citizen(place: int) -> str:
    """A right number of 18 digits, born in the twentieth century."""
    head = f"445102{date(1950, 1, 1) + timedelta(days=place * 37 % 17000):%Y%m%d}{place % 1000:03d}"
    return head + ric.calc_check_digit(head + "0")


def short(number: str) -> str:
    """The same number as it was before 1999."""
    return number[:6] + number[8:17]


def organisation(body: str) -> str:
    """A right organisation code, by GB 11714."""
    total = sum(
        weight * LETTERS.index(character)
        for weight, character in zip((3, 7, 9, 10, 5, 8, 4, 2), body, strict=True)
    )
    return body + {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))


def credit(code: str, kind: str = "91") -> str:
    """A right unified credit code around an organisation code."""
    head = f"{kind}445100{code}"
    return head + uscc.calc_check_digit(head + "0")


def registration(place: int) -> str:
    """A right registration number from before the unified code; its 9th and 10th digits are no month."""
    head = f"4451000{place % 10}99{place:04d}"[:14]
    return head + mod_11_10.calc_check_digit(head)


def spoilt(number: str) -> str:
    """The number with another last character."""
    return number[:-1] + ("5" if number[-1] != "5" else "7")


def reading(number: str) -> tuple[str, bool, str, str]:
    """(form, soundness, kind, what it comes down to) of a number, read character by character."""

    def born(text: str) -> bool:
        try:
            return 1800 <= datetime.strptime(text, "%Y%m%d").year < 2200
        except ValueError:
            return False

    if len(number) == 18 and number.isalnum():
        is_citizen = (
            number[:17].isdigit() and (number[17].isdigit() or number[17] == "X") and born(number[6:14])
        )
        right_citizen = is_citizen and ric.calc_check_digit(number) == number[17]
        try:
            right_credit = uscc.calc_check_digit(number) == number[17]
        except Exception:  # a letter that no code has
            right_credit = False
        if right_citizen or (is_citizen and not right_credit):
            return "citizen_18", right_citizen, "person", number
        return "credit_code", right_credit, "legal_person", number[8:17]
    if len(number) == 15 and number.isdigit():
        if born("19" + number[6:12]):
            whole = number[:6] + "19" + number[6:]
            return "citizen_15", True, "person", whole + ric.calc_check_digit(whole + "0")
        return "registration_no", mod_11_10.is_valid(number), "legal_person", number
    if len(number) == 9 and number[:8].isalnum() and (number[8].isdigit() or number[8] == "X"):
        return "organisation_code", organisation(number[:8]) == number, "legal_person", number
    return "other", False, "unknown", number
