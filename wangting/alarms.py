"""Alarms: what stands in the way, kept in the ledger until it is over; `wangting.telling` tells of them."""

from typing import Any

from sqlalchemy import select, update

from wangting import clock, ledger

_A = ledger.alarms


def raise_alarm(kind: str, subject: str, text: str, mend: str) -> None:
    """Raise an alarm; while one of this kind and subject is open, it takes the newer wording and stays the same one.

    Args:
        kind: overdue, silent_source, unchecked, receiver, …
        subject: what it is about, told apart within the kind.
        text, mend: for people, in Chinese, without personal data: what is wrong, and what to do.
    """
    values = {"kind": kind, "subject": subject, "text": text, "mend": mend, "raised_at": clock.now()}
    with ledger.transaction() as connection:
        if connection.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert
        else:
            from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
        statement = insert(_A).values(**values)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["kind", "subject"],
                index_where=_A.c.cleared_at.is_(None),
                set_={"text": statement.excluded.text, "mend": statement.excluded.mend},
            )
        )


def clear(kind: str, subject: str) -> None:
    """It is over; nothing happens where no such alarm is open."""
    with ledger.transaction() as connection:
        connection.execute(
            update(_A)
            .where(_A.c.kind == kind, _A.c.subject == subject, _A.c.cleared_at.is_(None))
            .values(cleared_at=clock.now())
        )


def open_alarms() -> list[dict[str, Any]]:
    """What is open, oldest first: alarm_id, kind, subject, text, mend, raised_at, told_at (null: not told yet)."""
    return ledger.rows(select(_A).where(_A.c.cleared_at.is_(None)).order_by(_A.c.raised_at, _A.c.alarm_id))
