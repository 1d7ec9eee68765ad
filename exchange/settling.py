"""What the ledger is told of messages: that they are on their way, and what came of them; in short transactions."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Delete, Update, bindparam, case, exists, func, insert, or_, select, update

from exchange import states
from exchange.messages import Message, Result, jittered
from exchange.records import APPLICATION
from wangting import clock, ledger

BACK_OFF = (1.0, 10.0, 60.0, 300.0)  # seconds after the first, second, third and every later failure
_AT_ONCE = 50_000  # records without an answer that are read back in one run


REFUSALS = (1, 2, 4)  # need a correction; sending them again would change nothing
_O, _R = ledger.outbox, ledger.receipts
_SENDING: dict[str, Any] = {
    "sent_at": bindparam("at"),
    "first_sent_at": func.coalesce(_O.c.first_sent_at, bindparam("at")),
    "attempts": _O.c.attempts + 1,
}
_SEND = states.change(
    "send",
    _O.c.record == bindparam("_record"),
    _O.c.version == 1,
    _O.c.record_key.in_(bindparam("keys", expanding=True)),
    **_SENDING,
)
# Not sent after all: as if it had never been marked.
_NOT_SENT: dict[str, Any] = {
    "attempts": _O.c.attempts - 1,
    "sent_at": case((_O.c.attempts > 1, _O.c.sent_at)),
    "first_sent_at": case((_O.c.attempts > 1, _O.c.first_sent_at)),
}


def _answered(event: str, which: Any, **changes: Any) -> Update:
    """The event for all that are SENT and have one of the receipts just stored."""
    return states.change(
        event,
        _R.c.receipt_id > bindparam("last"),
        which,
        _O.c.record == _R.c.record,
        _O.c.record_key == _R.c.record_key,
        _O.c.version == _R.c.version,
        receipt_code=_R.c.code,
        receipt_no=_R.c.receipt_no,
        receipt_text=_R.c.text,
        **changes,
    )


# The first acknowledgement counts, also where a lost record had to be sent again.
_ACKNOWLEDGE = _answered(
    "acknowledge", _R.c.code == 0, acked_at=func.coalesce(_O.c.acked_at, _R.c.received_at), next_try_at=None
)
_REFUSE = _answered("refuse", _R.c.code.in_(REFUSALS), next_try_at=None)
_FAIL = _answered("fail", _R.c.code.is_(None) | (_R.c.code == 3))


def _this(statement: Any) -> Any:
    """The statement for one record version at a time, named by `_keys`."""
    assert isinstance(statement, (Update, Delete))
    return statement.where(
        _O.c.record == bindparam("_record"),
        _O.c.record_key == bindparam("_key"),
        _O.c.version == bindparam("_version"),
    )


def _keys(message: Message) -> dict[str, Any]:
    return {"_record": message.record, "_key": message.record_key, "_version": message.version}


def _first_versions(messages: list[Message]) -> list[str]:
    return [message.record_key for message in messages if message.version == 1]


def mark(messages: list[Message], refused: list[Message], now: datetime) -> list[Message]:
    """SENT, durably, before the first byte leaves; what cannot be worded at all is rejected with our own receipt.

    Args:
        messages: of one record type.

    Returns:
        Those of `messages` that must not be sent: since they were read a newer version has overtaken them, or a newer
        judgement holds them.
    """
    with ledger.transaction() as connection:
        marked = 0
        if messages:
            first = {"at": now, "_record": messages[0].record, "keys": _first_versions(messages)}
            marked += connection.execute(_SEND, first).rowcount
            later = [message for message in messages if message.version > 1]
            if later:
                send = _this(
                    states.change("send", **_SENDING, clock_at=bindparam("_clock"), due_at=bindparam("_due"))
                )
                values = [
                    {**_keys(each), "at": now, "_clock": each.clock_at, "_due": each.due_at} for each in later
                ]
                marked += connection.execute(send, values).rowcount
        for each in refused:
            said = f"未发出：{each.refusal}"
            rejected = _this(states.change("unworded", receipt_text=said))
            if connection.execute(rejected, _keys(each)).rowcount:
                _store(connection, [_receipt(each, now, None, None, said, each.attempts)])
        return _unmarked(connection, messages, now) if marked != len(messages) else []


def _unmarked(connection: Connection, messages: list[Message], now: datetime) -> list[Message]:
    query = select(_O.c.record_key, _O.c.version).where(
        _O.c.record == messages[0].record,
        _O.c.record_key.in_([message.record_key for message in messages]),
        states.is_in("SENT"),
        _O.c.sent_at == now,
    )
    marked = {(row.record_key, row.version) for row in connection.execute(query)}
    return [message for message in messages if (message.record_key, message.version) not in marked]


def _receipt(
    message: Message, at: datetime, code: int | None, number: str | None, text: str | None, attempt: int
) -> dict[str, Any]:
    return {
        "record": message.record,
        "record_key": message.record_key,
        "version": message.version,
        "attempt": attempt,
        "received_at": at,
        "code": code,
        "receipt_no": number,
        "text": text,
    }


def _store(connection: Connection, receipts: list[dict[str, Any]]) -> int:
    """Keep receipts under numbers that no other has or had, also of those in the final files; the last one before."""
    highest = [_R.c.receipt_id, ledger.final_files.c.last_receipt_id]
    last = max(connection.execute(select(func.max(column))).scalar() or 0 for column in highest)
    numbered = [{**receipt, "receipt_id": last + place} for place, receipt in enumerate(receipts, 1)]
    connection.execute(insert(_R), numbered)
    return int(last)


def settle(results: list[Result]) -> dict[str, int]:
    """Store what came of a chunk: every receipt, every new state, and whose way it opens; in one transaction.

    Returns:
        How many messages ended as ACK, REJECTED, RETRY or were not sent (BACK), and ACK's ON_TIME and LATE.
    """
    with ledger.transaction() as connection:
        return _settle(connection, results)


def _settle(connection: Connection, results: list[Result]) -> dict[str, int]:
    counts = dict.fromkeys(("ACK", "REJECTED", "RETRY", "BACK", "ON_TIME", "LATE"), 0)
    receipts, tries, opened = [], [], []
    back: dict[str, list[dict[str, Any]]] = {"take_back": [], "put_back": []}
    for result in results:
        message, answer = result.message, result.answer
        if answer is None:
            counts["BACK"] += 1
            back["take_back" if message.was == "NEW" else "put_back"].append(_keys(message))
            continue
        receipts.append(
            _receipt(message, result.at, answer.code, answer.receipt_no, answer.text, message.attempts + 1)
        )
        if answer.code == 0:
            counts["ACK"] += 1
            if message.record == APPLICATION:
                opened.append(message.case_no)
            if message.due_at and not message.is_backfill:
                counts["ON_TIME" if result.at <= message.due_at else "LATE"] += 1
        elif answer.code in REFUSALS:
            counts["REJECTED"] += 1
        else:
            counts["RETRY"] += 1
            pause = jittered(BACK_OFF[min(message.attempts, len(BACK_OFF) - 1)], message)
            tries.append({**_keys(message), "_at": result.at + timedelta(seconds=pause)})
    if receipts:
        # The receipts themselves then move the outbox, all in one statement a state: a row at a time costs more
        # than sending it.
        last = _store(connection, receipts)
        for statement in (_ACKNOWLEDGE, _REFUSE, _FAIL):
            connection.execute(statement, {"last": last})
    if tries:
        again = update(_O).where(states.is_in("RETRY")).values(next_try_at=bindparam("_at"))
        connection.execute(_this(again), tries)
    for event, keys in back.items():
        if keys:
            connection.execute(_this(states.change(event, **_NOT_SENT)), keys)
    if opened:
        unblock(connection, opened)
    return counts


def unblock(connection: Connection, cases: list[str]) -> None:
    """The application of these cases is acknowledged: what waited for it may go."""
    statement = states.change("open", _O.c.case_no.in_(bindparam("cases", expanding=True)))
    connection.execute(statement, {"cases": cases})


def by_state() -> dict[str, int]:
    """How many record versions are in which state, the final ones included."""
    counts: dict[str, int] = {}
    for table in (ledger.outbox_counts, ledger.final_counts):
        for row in ledger.rows(select(table.c.state, func.sum(table.c.n).label("n")).group_by(table.c.state)):
            if row["n"]:
                counts[row["state"]] = counts.get(row["state"], 0) + int(row["n"])
    return counts


def try_now() -> None:
    """What failed may be tried again from now on."""
    now = clock.now()
    with ledger.transaction() as connection:
        connection.execute(
            update(_O).where(_O.c.state == "RETRY", _O.c.next_try_at > now).values(next_try_at=now)
        )


def next_tries(horizon: datetime) -> tuple[datetime | None, datetime | None]:
    """Of what may be tried again: the earliest time at all, and the latest up to the horizon."""
    # Two queries: each is one step in the index of what is to be tried again.
    waits = select(func.min(_O.c.next_try_at).label("first")).where(states.is_in("RETRY"))
    within = select(func.max(_O.c.next_try_at).label("last")).where(
        states.is_in("RETRY"), _O.c.next_try_at <= horizon
    )
    return ledger.rows(waits)[0]["first"], ledger.rows(within)[0]["last"]


def unanswered() -> list[Message]:
    """To be read back: what a crash left without an answer, and what failed while a newer version waits.

    Where the province has not got that older version, the newer one takes its place, and with it its clock. What it had
    and has lost goes again instead, unless that fails often. At most 50,000 a call; the others' turn comes with the
    next run, and until then they stay as they are.
    """
    newer = ledger.outbox.alias("newer")
    overtaken = exists().where(
        newer.c.record == _O.c.record,
        newer.c.record_key == _O.c.record_key,
        newer.c.version > _O.c.version,
        states.is_in("NEW", "BLOCKED", table=newer),
    )
    may_give_way = or_(_O.c.acked_at.is_(None), _O.c.attempts > len(BACK_OFF))
    found: list[dict[str, Any]] = []
    for conditions in ([states.is_in("SENT")], [states.is_in("RETRY"), may_give_way, overtaken]):
        if len(found) < _AT_ONCE:
            found += ledger.rows(select(_O).where(*conditions).limit(_AT_ONCE - len(found)))
    return [
        Message(
            row["record"], row["record_key"], row["version"], row["case_no"], row["attempts"] - 1, row["state"],
            row["clock_at"], row["due_at"], row["is_backfill"],
        )
        for row in found
    ]  # fmt: skip


def settle_read_back(results: list[Result], now: datetime) -> dict[str, int]:
    """Store what the province says of records without an answer: it has them, or they go again at once."""
    unknown = [result.message for result in results if result.answer is None]
    happened: dict[str, list[Message]] = {
        "ask": [result.message for result in results if result.message.was == "RETRY"],
        "miss": [message for message in unknown if message.was == "SENT"],
        "give_way": [message for message in unknown if message.was == "RETRY"],
    }
    next_try: dict[str, dict[str, Any]] = {
        "ask": {},
        "miss": {"next_try_at": now},
        "give_way": {"next_try_at": None},
    }

    def happens(connection: Connection, event: str) -> None:
        if happened[event]:
            statement = _this(states.change(event, **next_try[event]))
            connection.execute(statement, [_keys(message) for message in happened[event]])

    with ledger.transaction() as connection:
        happens(connection, "ask")
        counts = _settle(connection, [result for result in results if result.answer is not None])
        happens(connection, "miss")
        happens(connection, "give_way")
    counts["RETRY"] += len(unknown)
    return counts
