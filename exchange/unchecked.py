"""Records that the gate could not judge come before it again by themselves, without any change of theirs.

A check that broke down by an accident (no memory, an error in a library) says nothing about a record. So the next cut
presents such records once more: a few while the trouble may last, all once a batch has gone through without it.
"""

from datetime import timedelta

from sqlalchemy import Select, or_, select

from wangting import alarms, clock, ledger

_PROBE = (
    1_000  # records a type and cut while the newest batch had some that could not be judged: enough to see
)
_MOST = 200_000  # afterwards; one chunk of the gate
# Every cut tries for so long after the alarm, then once in this time: a rule that stays broken is no news every
# ten minutes, and each attempt is a batch that is kept.
_PATIENCE = timedelta(hours=1)
_O = ledger.outbox


def waits() -> bool:
    """Whether a cut would present anything again for this reason."""
    if not _ever():
        return False
    found = select(_O.c.record).distinct().where(_O.c.state == "HELD", _O.c.outcome == "unchecked")
    return any(due(row["record"], most=1) for row in ledger.rows(found))


def due(record: str, *, most: int | None = None) -> list[str]:
    """Keys of one record type that are to be presented again, those that were tried longest ago first."""
    if not _ever():
        return []
    b = ledger.batches
    if most is None:
        newest = select(b.c.unchecked).where(b.c.gated_at.is_not(None)).order_by(b.c.batch_id.desc()).limit(1)
        most = _PROBE if any(row["unchecked"] for row in ledger.rows(newest)) else _MOST
    return [row["record_key"] for row in ledger.rows(_waiting(record).limit(most))]


def _ever() -> bool:
    b = ledger.batches
    return bool(ledger.rows(select(b.c.batch_id).where(b.c.unchecked > 0).limit(1)))


def _waiting(record: str) -> Select[tuple[str]]:
    raised = [
        row["raised_at"]
        for row in alarms.open_alarms()
        if row["kind"] == "unchecked" and str(row["subject"]).startswith(f"{record}/")
    ]
    now = clock.now()
    is_new = not raised or min(raised) > now - _PATIENCE
    found = select(_O.c.record_key).where(
        _O.c.record == record, _O.c.state == "HELD", _O.c.outcome == "unchecked"
    )
    if not is_new:
        found = found.where(or_(_O.c.cut_at.is_(None), _O.c.cut_at <= now - _PATIENCE))
    return found.order_by(_O.c.cut_at, _O.c.record_key)
