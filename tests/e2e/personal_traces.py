"""Where does something that names a person stand in a database file? Every text of every table is looked at."""

import re
from collections.abc import Iterator, Set
from datetime import datetime
from pathlib import Path

import duckdb

_ALONE = r"(?<![0-9A-Za-z]){}(?![0-9A-Za-z])"
_NUMBERS = (
    ("身份证号码", re.compile(_ALONE.format(r"\d{6}(?P<born>\d{8})\d{3}[0-9Xx]")), ""),
    ("15 位身份证号码", re.compile(_ALONE.format(r"\d{6}(?P<born>\d{6})\d{3}")), "19"),
)
_MOBILE = re.compile(_ALONE.format(r"(?:\+?86)?1[3-9]\d{9}"))
_HAN = re.compile(r"[\u4e00-\u9fff]+")


def _is_day(text: str) -> bool:
    try:
        return 1850 <= datetime.strptime(text, "%Y%m%d").year <= 2100
    except ValueError:
        return False


def found_in(text: str, names: Set[str]) -> Iterator[str]:
    """What of a person stands in a text: its kind. A name of two characters only counts as a whole word of its own:
    within a sentence two characters in a row mean little."""
    for kind, shape, century in _NUMBERS:
        if any(_is_day(century + match["born"]) for match in shape.finditer(text)):
            yield kind
    if _MOBILE.search(text):
        yield "手机号码"
    for run in _HAN.findall(text):
        if run in names or any(run[at : at + 3] in names for at in range(len(run) - 2)):
            yield "姓名"


def traces(file: Path, names: Set[str], literally: Set[str] = frozenset()) -> list[tuple[str, str, str, str]]:
    """(table, column, kind, value) of every text column in the file that holds something of a person.

    Args:
        names: of persons. literally: other texts that must not be the value of any cell.
    """
    found = []
    with duckdb.connect(str(file), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name from duckdb_columns()"
            " where data_type = 'VARCHAR' and not internal order by all"
        ).fetchall()
        for table, column in columns:
            values = connection.execute(
                f'select distinct "{column}" from "{table}" where "{column}" is not null'
            )
            for (value,) in values.fetchall():
                kinds = list(found_in(value, names)) + (["号码"] if value in literally else [])
                found += [(table, column, kind, value) for kind in kinds]
    return found
