"""What the ledger is told of messages: that they are on their way, and what came of them; in short transactions."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, insert, or_, select, update

from exchange.messages import Message, Result, jittered
from exchange.records import APPLICATION
from wangting import ledger

BACK_OFF = (1.0, 10.0, 60.0, 300.0)  # seconds after the first, second, third and every later failure


REFUSALS = (1, 2, 4)  # need a correction; sending them again would change nothing
_O, _R = ledger.outbox, ledger.receipts
_SEND = (
    update(_O)
    .where(_O.c.record == bindparam("_record"), _O.c.version == 1)
    .where(_O.c.record_key.in_(bindparam("keys", expanding=True)))
    .values(state="SENT", sent_at=bindparam("at"), attempts=_O.c.attempts + 1)
)


def _moved_by(state: str, which: Any, **changes: Any) -> Any:
    """The new state of what is SENT and has one of the receipts just stored."""
    return (
        update(_O)
        .where(_R.c.receipt_id > bindparam("last"), which)
        .where(_O.c.record == _R.c.record, _O.c.record_key == _R.c.record_key, _O.c.version == _R.c.version)
        .where(_O.c.state == "SENT")
        .values(
            state=state, receipt_code=_R.c.code, receipt_no=_R.c.receipt_no, receipt_text=_R.c.text, **changes
        )
    )


# The first acknowledgement counts, also where a lost record had to be sent again.
_ACKNOWLEDGE = _moved_by(
    "ACK", _R.c.code == 0, acked_at=func.coalesce(_O.c.acked_at, _R.c.received_at), next_try_at=None
)
_REFUSE = _moved_by("REJECTED", _R.c.code.in_(REFUSALS), next_try_at=None)
_FAIL = _moved_by("RETRY", _R.c.code.is_(None) | (_R.c.code == 3))


def _this(*, sent: bool) -> Any:
    statement = update(_O).where(
        _O.c.record == bindparam("_record"),
        _O.c.record_key == bindparam("_key"),
        _O.c.version == bindparam("_version"),
    )
    return statement.where(_O.c.state == "SENT") if sent else statement


def _keys(message: Message) -> dict[str, Any]:
    return {"_record": message.record, "_key": message.record_key, "_version": message.version}


def _first_versions(messages: list[Message]) -> list[str]:
    return [message.record_key for message in messages if message.version == 1]


def mark(messages: list[Message], refused: list[Message], now: datetime) -> None:
    """SENT, durably, before the first byte leaves; what cannot be worded at all is rejected with our own receipt."""
    with ledger.transaction() as connection:
        if messages:
            connection.execute(
                _SEND, {"at": now, "_record": messages[0].record, "keys": _first_versions(messages)}
            )
            later = [_keys(message) for message in messages if message.version > 1]
            if later:
                sent = _this(sent=False).values(state="SENT", sent_at=now, attempts=_O.c.attempts + 1)
                connection.execute(sent, later)
            moved = [message for message in messages if message.version > 1]
            if moved:
                clocks = _this(sent=False).values(clock_at=bindparam("_clock"), due_at=bindparam("_due"))
                connection.execute(
                    clocks, [{**_keys(each), "_clock": each.clock_at, "_due": each.due_at} for each in moved]
                )
        if refused:
            texts = {id(each): f"未发出：字段 {each.refusal} 含 XML 不允许的控制字符" for each in refused}
            rejected = _this(sent=False).values(state="REJECTED", receipt_text=bindparam("_text"))
            connection.execute(rejected, [{**_keys(each), "_text": texts[id(each)]} for each in refused])
            connection.execute(
                insert(ledger.receipts),
                [_receipt(each, now, None, None, texts[id(each)], each.attempts) for each in refused],
            )


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


def settle(results: list[Result]) -> dict[str, int]:
    """Store what came of a chunk: every receipt, every new state, and whose way it opens; in one transaction.

    Returns:
        How many messages ended as ACK, REJECTED, RETRY or were not sent (BACK), and ACK's ON_TIME and LATE.
    """
    counts = dict.fromkeys(("ACK", "REJECTED", "RETRY", "BACK", "ON_TIME", "LATE"), 0)
    receipts, tries, back, opened = [], [], [], []
    for result in results:
        message, answer = result.message, result.answer
        if answer is None:
            counts["BACK"] += 1
            back.append({**_keys(message), "_state": message.was})
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
    with ledger.transaction() as connection:
        if receipts:
            # The receipts themselves then move the outbox, all in one statement a state: a row at a time costs more
            # than sending it.
            last = connection.execute(select(func.max(_R.c.receipt_id))).scalar() or 0
            connection.execute(insert(_R), receipts)
            for statement in (_ACKNOWLEDGE, _REFUSE, _FAIL):
                connection.execute(statement, {"last": last})
        if tries:
            connection.execute(_this(sent=False).values(next_try_at=bindparam("_at")), tries)
        if back:
            unsent = _this(sent=True).values(state=bindparam("_state"), attempts=_O.c.attempts - 1)
            connection.execute(unsent, back)
        if opened:
            unblock(connection, opened)
    return counts


def unblock(connection: Connection, cases: list[str]) -> None:
    """The application of these cases is acknowledged: what waited for it may go."""
    statement = (
        update(_O)
        .where(_O.c.state == "BLOCKED", _O.c.case_no.in_(bindparam("cases", expanding=True)))
        .values(state="NEW")
    )
    connection.execute(statement, {"cases": cases})


def by_state() -> dict[str, int]:
    """How many record versions are in which state."""
    found = ledger.rows(select(_O.c.state, func.count().label("n")).group_by(_O.c.state))
    return {row["state"]: int(row["n"]) for row in found}


def next_tries(horizon: datetime) -> tuple[datetime | None, datetime | None]:
    """Of what may be tried again: the earliest time at all, and the latest up to the horizon."""
    row = ledger.rows(
        select(
            func.min(_O.c.next_try_at).label("first"),
            func.max(_O.c.next_try_at).filter(_O.c.next_try_at <= horizon).label("last"),
        ).where(_O.c.state == "RETRY")
    )[0]
    return row["first"], row["last"]


def unanswered() -> list[Message]:
    """To be read back: what a crash left without an answer, and what failed often while a newer version waits."""
    newer = ledger.outbox.alias("newer")
    overtaken = exists().where(
        newer.c.record == _O.c.record,
        newer.c.record_key == _O.c.record_key,
        newer.c.version > _O.c.version,
        newer.c.state != "HELD",
    )
    rows = ledger.rows(
        select(_O).where(
            or_(
                _O.c.state == "SENT",
                (_O.c.state == "RETRY") & (_O.c.attempts > len(BACK_OFF)) & overtaken,
            )
        )
    )
    return [
        Message(
            row["record"], row["record_key"], row["version"], row["case_no"], row["attempts"] - 1, row["state"],
            row["clock_at"], row["due_at"], row["is_backfill"],
        )
        for row in rows
    ]  # fmt: skip


def settle_read_back(results: list[Result], now: datetime) -> dict[str, int]:
    """Store what the province says of records without an answer: it has them, or they go again at once."""
    with ledger.transaction() as connection:
        tried = [result.message for result in results if result.message.was == "RETRY"]
        if tried:
            connection.execute(_this(sent=False).values(state="SENT"), [_keys(message) for message in tried])
    counts = settle([result for result in results if result.answer is not None])
    unknown = [result.message for result in results if result.answer is None]
    with ledger.transaction() as connection:
        for state, messages in (
            ("RETRY", [message for message in unknown if message.was == "SENT"]),
            ("SUPERSEDED", [message for message in unknown if message.was == "RETRY"]),
        ):
            if messages:
                statement = _this(sent=True).values(
                    state=state, next_try_at=now if state == "RETRY" else None
                )
                connection.execute(statement, [_keys(message) for message in messages])
    counts["RETRY"] += len(unknown)
    return counts
