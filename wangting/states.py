"""The states of a record version in the outbox, and everything that may happen to one.

This is the whole machine, as data: `exchange.states` words the ledger's updates from it, and the ledger's own triggers
refuse every other change. "" stands for "not in the outbox": never entered yet, left, or moved to the final files.
"""

from dataclasses import dataclass

STATES = ("NEW", "BLOCKED", "HELD", "SENT", "RETRY", "REJECTED", "ACK", "SUPERSEDED")
UNSENT = ("NEW", "BLOCKED", "HELD")
"""Never given to the province in this version: a newer judgement may still change it, a newer version overtake it."""


@dataclass(frozen=True)
class Event:
    """Something that happens to a record version: from any of `sources` it comes to `target`, for a reason."""

    name: str
    sources: tuple[str, ...]
    target: str
    reason: str


EVENTS = {
    event.name: event
    for event in (
        Event("admit", ("", *UNSENT), "NEW", "the gate passed it and its application is with the province"),
        Event("wait", ("", *UNSENT), "BLOCKED", "the gate passed it, its application is not acknowledged"),
        Event("hold", ("", *UNSENT), "HELD", "the gate held it, or could not check it"),
        Event("withdraw", ("HELD",), "", "it passes now, but its case waits outside for a backfill"),
        Event("supersede", UNSENT, "SUPERSEDED", "a newer version overtook it before it was sent"),
        Event("open", ("BLOCKED",), "NEW", "its application was acknowledged"),
        Event("send", ("NEW", "RETRY"), "SENT", "it leaves with the next byte; noted before that byte"),
        Event("take_back", ("SENT",), "NEW", "it was not sent after all"),
        Event("put_back", ("SENT",), "RETRY", "it was not sent after all, this time"),
        Event("acknowledge", ("SENT",), "ACK", "the province says that it has it"),
        Event("refuse", ("SENT",), "REJECTED", "the province says that it must be corrected"),
        Event("fail", ("SENT",), "RETRY", "no answer, or one that says: later"),
        Event("unworded", ("NEW", "RETRY"), "REJECTED", "the dialect cannot carry it; it was never sent"),
        Event("ask", ("RETRY",), "SENT", "a newer version waits for it: is it there after all?"),
        Event("miss", ("SENT",), "RETRY", "read back: the province has never had it"),
        Event("give_way", ("SENT",), "SUPERSEDED", "read back: not there, and a newer version waits for it"),
        Event("lose", ("ACK",), "RETRY", "reconciliation: the province has lost it"),
        Event("finish", ("ACK", "REJECTED", "SUPERSEDED"), "", "final: moved to the final files"),
        Event("recall", ("",), "RETRY", "reconciliation: the province has lost a final one"),
    )
}

ENTRIES = tuple(sorted({event.target for event in EVENTS.values() if "" in event.sources}))
"""The states in which a record version may enter the outbox."""

LEAVERS = tuple(sorted({state for event in EVENTS.values() if not event.target for state in event.sources}))
"""The states from which it may leave it."""

CHANGES = tuple(
    sorted(
        {
            (source, event.target)
            for event in EVENTS.values()
            for source in event.sources
            if source and event.target and source != event.target
        }
    )
)
"""Every change of state that may happen."""
