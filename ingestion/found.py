"""What was found at a system that is not connected yet: its tables, as a declaration could word them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ingestion.guessing import Column, Cursor, cursors, key_of, samples, type_of


@dataclass
class Found:
    """One table of a system.

    Attributes:
        title: the source's own comment; empty where it has none.
        key: the columns that name a row; none where they are neither declared nor found.
        is_key_declared: whether the source itself says so.
        rows: how many there are; None: unknown.
        looked_at: on how many of them the guesses rest.
        options: what else the table's declaration says (relation, pattern, path, paging …), in its order.
        notes: in Chinese, what a person should look at.
        values: column → some of its values as they are; never shown, kept to tell what a column may be.
    """

    name: str
    title: str
    columns: list[Column]
    key: list[str] = field(default_factory=list)
    is_key_declared: bool = False
    rows: int | None = None
    looked_at: int = 0
    cursors: list[Cursor] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)


Row = Sequence[str | None]


def look_at(
    found: Found, rows: Sequence[Row], *, natives: Sequence[str | None] = (), indexed: set[str] | None = None
) -> Found:
    """Fill in what the rows say: types where the source has none, key, cursors, masked samples.

    Args:
        rows: as texts, in the source's order and in the order of the columns.
        natives: each column's type where the source has said it.
        indexed: the columns that an index begins with; None: unknown.
    """
    for place, column in enumerate(found.columns):
        given = [str(row[place]) for row in rows if row[place] not in (None, "")]
        known = natives[place] if natives else None
        column.kind = known or type_of(given)
        column.sample = samples(given[:200])
        column.is_filled = len(given) == len(rows)
        found.values[column.name] = given[:200]
    found.looked_at = len(rows)
    if not found.key:
        found.key = key_of(found.columns, rows)
        if found.key and rows:
            found.notes.append(
                f"来源没有声明主键；{'、'.join(found.key)} 在所看的 {len(rows)} 行中不重复，请来源确认"
            )
    found.cursors = cursors(found.columns, rows, indexed)
    if not rows:
        found.notes.append("表中没有行，类型和游标只能由人确定")
    return found
