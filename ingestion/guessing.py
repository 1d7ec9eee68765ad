"""What might a column be that nobody has described? Guesses from values, and values made unreadable for show.

Every guess is for a person to confirm: it is written into a draft, and never used to load anything.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

_DATE = re.compile(r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}$")
_TIME = re.compile(r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?$")
_WHOLE = re.compile(r"^-?(0|[1-9]\d{0,17})$")
_NUMBER = re.compile(r"^-?\d{1,15}\.\d{1,6}$")
_BOOLEAN = {"true", "false", "是", "否"}
# A cursor's name: what is written when a row changes, then what is written when it is made.
_CHANGED = re.compile(
    r"update|modif|change|last|gxsj|gxrq|xgsj|xgrq|更新|修改|变更|writ|publish|inserttime|timestamp|sjc",
    re.IGNORECASE,
)
_MADE = re.compile(r"creat|insert|regist|cjsj|cjrq|rksj|lrsj|djsj|创建|登记|录入|入库", re.IGNORECASE)
SAMPLED = 20_000  # rows looked at
SHOWN = 3  # masked values a column


@dataclass
class Cursor:
    """A column by which newness may show.

    Attributes:
        is_indexed: whether the source finds its values without reading the table; None: unknown, or of no matter.
        is_monotonic: whether it never falls in the order in which the source hands out its rows.
        missing: how many of the rows looked at have none.
        score: the higher the likelier. why: in Chinese.
    """

    column: str
    is_indexed: bool | None
    is_monotonic: bool
    missing: int
    score: int
    why: str


@dataclass
class Column:
    """A column of a system, as it was found.

    Attributes:
        kind: the type to declare. native: the type at the source; empty where it has none.
        title: the source's own comment.
        sample: a few values, masked.
    """

    name: str
    kind: str
    native: str = ""
    title: str = ""
    sample: list[str] = field(default_factory=list)
    is_filled: bool = True


def type_of(values: Sequence[str]) -> str:
    """The declared type that all of these texts have; codes that begin with zero, and what is mixed, stay text."""
    given = [value.strip() for value in values if value.strip()]
    if not given:
        return "string"
    if all(_TIME.match(value) for value in given):
        return "timestamp"
    if all(_DATE.match(value) for value in given) and all(_is_day(value) for value in given):
        return "date"
    if all(_WHOLE.match(value) for value in given):
        # Long numbers are names of something: nobody calculates with them, and a leading zero may come.
        longest = max(len(value) for value in given)
        if longest >= 9 or (len(given) > 1 and longest >= 6 and len({len(value) for value in given}) == 1):
            return "string"
        return "int"
    if all(_NUMBER.match(value) or _WHOLE.match(value) for value in given):
        return "double"
    if {value.lower() for value in given} <= _BOOLEAN - {"是", "否"}:
        return "boolean"
    return "string"


def _is_day(text: str) -> bool:
    try:
        datetime(*(int(part) for part in re.split(r"[-/]", text)))  # type: ignore[arg-type]
    except ValueError:
        return False
    return True


def native_type(native: str) -> str | None:
    """A database's type as a declared one; None where the values must say (SQLite's, or an unknown one)."""
    name = native.lower()
    if match := re.match(r"(?:numeric|decimal|number)\((\d+)\s*(?:,\s*(\d+))?\)", name):
        return f"decimal({match[1]}, {match[2] or 0})" if int(match[1]) <= 38 else "double"
    for pattern, kind in (
        (r"^(timestamp|datetime)", "timestamp"),
        (r"^date$", "date"),
        (r"^(bool|bit\(1\)$)", "boolean"),
        (r"^(bigint|int8|bigserial|int unsigned|int\(\d+\) unsigned)", "bigint"),
        (r"^(smallint|integer|int4|int2|int|mediumint|tinyint|serial|year)", "int"),
        (r"^(double|float|real|numeric|decimal|money)", "double"),
        (
            r"^(character|varchar|char|text|.*text$|uuid|enum|set\(|json|xml|bytea|.*blob|name|inet|time)",
            "string",
        ),
    ):
        if re.match(pattern, name):
            return kind
    return None


def masked(value: str) -> str:
    """A value's shape: Chinese becomes 某, letters a, digits 9; only a short code of up to two signs stays as it is."""
    if len(value) <= 2 and not re.search(r"[\u4e00-\u9fff]", value):
        return value
    shape = re.sub(r"[\u3400-\u9fff]", "某", value)
    shape = re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "9", shape))
    shape = re.sub(r"[^\x20-\x7e某，。、；：（）《》？！]", "□", shape)
    return shape if len(shape) <= 24 else f"{shape[:23]}…"


def samples(values: Sequence[str]) -> list[str]:
    """A few different shapes of these values."""
    return list(dict.fromkeys(masked(value) for value in values if value.strip()))[:SHOWN]


def cursors(
    columns: Sequence[Column], rows: Sequence[Sequence[str | None]], indexed: set[str] | None
) -> list[Cursor]:
    """The candidates for a cursor, the likeliest first.

    Args:
        rows: what was looked at, in the source's order, a text each; times compare as texts of the same form.
        indexed: the columns that an index begins with; None: the source has no indexes that one could ask for.
    """
    times = [place for place, column in enumerate(columns) if column.kind == "timestamp"]
    latest = {place: [row[place] or "" for row in rows] for place in times}
    found: list[Cursor] = []
    for place in times:
        column, given = columns[place], [value for value in latest[place] if value]
        missing = len(rows) - len(given)
        monotonic = len(given) > 1 and all(a <= b for a, b in pairwise(given))
        is_last = bool(given) and all(
            row[place] and all((row[other] or "") <= (row[place] or "") for other in times) for row in rows
        )
        is_indexed = None if indexed is None else column.name in indexed
        reasons = ["时间类型"]
        score = 1
        for is_so, points, reason in (
            (bool(_CHANGED.search(column.name + column.title)), 4, "名称像更新时间"),
            (bool(_MADE.search(column.name + column.title)), 1, "名称像创建时间（改动不会更新它）"),
            (bool(is_indexed), 2, "有索引"),
            (is_last and len(times) > 1, 2, "不早于同行其他时间"),
            (monotonic, 1, "随行序递增"),
            (missing > 0, -3, f"{missing} 行为空"),
        ):
            if is_so:
                score += points
                reasons.append(reason)
        if indexed is not None and not is_indexed:
            reasons.append("无索引，增量抽取会读全表")
        found.append(Cursor(column.name, is_indexed, monotonic, missing, score, "，".join(reasons)))
    return sorted(found, key=lambda each: -each.score)


def chosen(candidates: Sequence[Cursor]) -> str | None:
    """The candidate that a draft takes: one that shows changes, and that every row has; None: let a person choose."""
    good = [each for each in candidates if each.score >= 4 and not each.missing]
    return good[0].column if good else None


def key_of(columns: Sequence[Column], rows: Sequence[Sequence[str | None]]) -> list[str]:
    """The first columns that tell all rows apart: one, or two; none where no such are found."""
    if not rows:
        return []
    order = sorted(
        range(len(columns)),
        key=lambda place: (
            not re.search(r"(_id|id|no|code|bh|lsh|编号|编码|流水号|号|主键)$", columns[place].name.lower())
        ),
    )
    usable = [place for place in order if columns[place].kind in ("string", "int", "bigint")]
    filled = [place for place in usable if all(row[place] not in (None, "") for row in rows)]
    for place in filled:
        if len({row[place] for row in rows}) == len(rows):
            return [columns[place].name]
    for first in range(len(filled)):
        for second in range(first + 1, min(len(filled), 12)):
            pair = (filled[first], filled[second])
            if len({tuple(row[place] for place in pair) for row in rows}) == len(rows):
                return [columns[place].name for place in sorted(pair)]
    return []
