"""What has no receipt yet, slice by slice: for a receiver that looks at its records later there may be very many."""

from sqlalchemy import literal, select, tuple_

from exchange import settling
from exchange.messages import Message
from wangting import ledger

_SLICE = 2_000

Place = tuple[int, str, str, int]  # stage, case, record key, version of the last one seen
_END: Place = (1 << 30, "", "", 0)


def slice_of(after: Place | None, answers_at_once: bool) -> tuple[list[Message], Place]:
    """The next records without a receipt, none at the end, and where to go on.

    Args:
        after: where the slice before ended; None: from the beginning.
        answers_at_once: what is without a receipt was cut off by a crash, and there is little of it; otherwise being
            SENT without a receipt is the rule.
    """
    if answers_at_once:
        return ([] if after == _END else settling.unanswered()), _END
    o = ledger.outbox
    place = (o.c.stage, o.c.case_no, o.c.record_key, o.c.version)
    query = select(o).where(o.c.state == "SENT").order_by(*place).limit(_SLICE)
    if after is not None:
        # The first condition is the second's own consequence, in words that an index understands.
        query = query.where(o.c.stage >= after[0], tuple_(*place) > tuple_(*map(literal, after)))
    rows = ledger.rows(query)
    if not rows:
        return [], _END
    last = rows[-1]
    messages = [
        Message(
            row["record"], row["record_key"], row["version"], row["case_no"], row["attempts"] - 1, row["state"],
            row["clock_at"], row["due_at"], row["is_backfill"],
        )
        for row in rows
    ]  # fmt: skip
    return messages, (last["stage"], last["case_no"], last["record_key"], last["version"])
