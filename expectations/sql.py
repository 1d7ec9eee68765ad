"""The same identifiers and helpers as SQL conditions for DuckDB: the second reading shares no code with the first."""

import re
from collections.abc import Mapping, Sequence

_BLANKS = "' ' || chr(9) || chr(13) || chr(10) || chr(160) || chr(12288)"
_BLANK_CLASS = "[ \\t\\r\\n\\x{a0}\\x{3000}]"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORG_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def literal(value: str | bool) -> str:
    """A value as SQL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'" + value.replace("'", "''") + "'"


def among(column: str, values: Sequence[str | bool]) -> str:
    """The column is one of the values; unknown is not."""
    return f"coalesce({column} in ({', '.join(map(literal, values))}), false)"


def trimmed(column: str) -> str:
    """The text without the blanks around it."""
    return f"trim({column}, {_BLANKS})"


def given(column: str, fillers: Sequence[str], *, text: bool) -> str:
    """There is a value, neither blank nor a filler."""
    if not text:
        return f"{column} is not null"
    # One pattern is four times as fast as trimming and comparing.
    words = "|".join(re.escape(filler) for filler in fillers)
    pattern = literal(f"{_BLANK_CLASS}*({words})?{_BLANK_CLASS}*")
    return f"({column} is not null and not regexp_full_match({column}, {pattern}))"


def condition(when: Mapping[str, Sequence[str | bool]], unless: Mapping[str, Sequence[str | bool]]) -> str:
    """All of `when`, none of `unless`."""
    parts = [among(column, values) for column, values in when.items()]
    parts += [f"not {among(column, values)}" for column, values in unless.items()]
    return " and ".join(parts) or "true"


def gbk_longer_than(column: str, limit: int) -> str:
    """More bytes than `limit`, an ASCII character counting 1, one beyond the basic plane 4, any other 2."""
    ascii_count = f"length(regexp_replace({column}, '[^\\x00-\\x7F]', '', 'g'))"
    beyond = f"length(regexp_replace({column}, '[^\\x{{10000}}-\\x{{10FFFF}}]', '', 'g'))"
    exact = f"2 * length({column}) - {ascii_count} + 2 * {beyond} > {limit}"
    return f"case when strlen({column}) > {limit} then {exact} else false end"


def has_control(column: str) -> str:
    """A control character other than tab, line feed and return."""
    return f"regexp_matches({column}, '[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F]')"


def _is_birthday(text: str) -> str:
    return (
        f"(try_strptime({text}, '%Y%m%d') is not null and substr({text}, 1, 4) >= '1800'"
        f" and substr({text}, 1, 4) < '2200')"
    )


def is_id_number(column: str) -> str:
    """A citizen's number of 18 or 15 characters."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    parts = enumerate(weights, 1)
    # ascii(substr()) is twice as fast here as arithmetic on the whole number.
    total = " + ".join(f"{weight} * (ascii(substr({column}, {at}, 1)) - 48)" for at, weight in parts)
    check = f"substr('10X98765432', cast(({total}) % 11 as bigint) + 1, 1) = upper(substr({column}, 18, 1))"
    long = f"{_is_birthday(f'substr({column}, 7, 8)')} and {check}"
    short = _is_birthday(f"('19' || substr({column}, 7, 6))")
    return (
        f"case when regexp_full_match({column}, '[0-9]{{17}}[0-9Xx]') then {long}"
        f" when regexp_full_match({column}, '[0-9]{{15}}') then {short} else false end"
    )


def _alphabet_value(column: str, position: int, alphabet: str) -> str:
    return f"(instr('{alphabet}', substr({column}, {position}, 1)) - 1)"


def is_credit_code(column: str) -> str:
    """A unified social credit code."""
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    parts = enumerate(weights, 1)
    total = " + ".join(f"{weight} * {_alphabet_value(column, at, _CREDIT_ALPHABET)}" for at, weight in parts)
    check = f"(31 - ({total}) % 31) % 31 = {_alphabet_value(column, 18, _CREDIT_ALPHABET)}"
    return f"case when regexp_full_match({column}, '[{_CREDIT_ALPHABET}]{{18}}') then {check} else false end"


def _org_code_at(column: str, start: int) -> str:
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    parts = enumerate(weights, start)
    total = " + ".join(f"{weight} * {_alphabet_value(column, at, _ORG_ALPHABET)}" for at, weight in parts)
    return (
        f"substr('0123456789X0', 12 - cast(({total}) % 11 as bigint), 1) = substr({column}, {start + 8}, 1)"
    )


def is_org_code(column: str) -> str:
    """An organisation code of nine characters."""
    shape = f"regexp_full_match({column}, '[0-9A-Z]{{8}}[0-9X]')"
    return f"case when {shape} then {_org_code_at(column, 1)} else false end"


def is_item_code(column: str) -> str:
    """An item code of 26 characters with the organisation code inside."""
    shape = f"regexp_full_match({column}, '[0-9]{{9}}[0-9A-Z]{{8}}[0-9X][0-9]{{8}}')"
    return f"case when {shape} then {_org_code_at(column, 10)} else false end"


def is_case_number(column: str) -> str:
    """A case number of 29 characters, or of the later 43."""
    return f"regexp_full_match({column}, '[0-9A-Z]{{19}}[0-9]{{10}}|[0-9A-Z]{{31}}[0-9]{{12}}')"
