"""How the outbox's states are changed: every such update is worded here, from the machine in `wangting.states`."""

from typing import Any

from sqlalchemy import ColumnElement, Delete, Update, delete, literal_column, or_, update

from wangting import ledger
from wangting.states import EVENTS, UNSENT

__all__ = ["EVENTS", "UNSENT", "change", "is_in", "leave", "target"]


def is_in(*states: str, table: Any = ledger.outbox) -> ColumnElement[bool]:
    """Whether a row is in one of these states.

    Spelt out, state by state: so it fits statements that are executed for many rows, and partial indexes.
    """
    return or_(*(table.c.state == literal_column(f"'{state}'") for state in states))


def target(event: str) -> str:
    """The state to which an event leads."""
    return EVENTS[event].target


def change(event: str, *conditions: Any, **values: Any) -> Update:
    """The update by which an event happens to those rows that are in a state in which it may.

    Args:
        event: a name of `wangting.states.EVENTS`, one that begins and ends in the outbox.
        conditions: which rows. values: what else changes.
    """
    happening = EVENTS[event]
    sources = [state for state in happening.sources if state]
    assert happening.target and sources, event
    return (
        update(ledger.outbox)
        .where(is_in(*sources), *conditions)
        .values(state=literal_column(f"'{happening.target}'"), **values)
    )


def leave(event: str, *conditions: Any) -> Delete:
    """The deletion by which an event takes rows out of the outbox."""
    happening = EVENTS[event]
    assert not happening.target, event
    return delete(ledger.outbox).where(is_in(*happening.sources), *conditions)
