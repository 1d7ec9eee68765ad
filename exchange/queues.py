"""What goes next: the outbox's records of one type, case by case, worded for the wire from the batches."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb
from sqlalchemy import Connection, and_, bindparam, exists, false, or_, select

from exchange import batches, deadline, settling, states
from exchange.messages import Message
from exchange.receivers.protocol import Wording
from exchange.records import RecordType
from wangting import engine, ledger
from wangting.errors import WangtingError

_SLICE = 8_000  # records rendered at once: some 15 MB
_CHUNK = 1_000  # records marked, sent and settled together
_POISONED = 5  # attempts: beyond, a record no longer holds up the rest of its case


class Queue:
    """One record type's records in one state, case by case, in chunks; a chunk is SENT before it is handed over."""

    def __init__(
        self,
        work: duckdb.DuckDBPyConnection,
        kind: RecordType,
        state: str,
        wording: Wording,
        as_of: datetime,
        *,
        waits: bool = True,
    ) -> None:
        """`waits`: a record waits for the receipts of those before it in its case."""
        self._work = work
        self._kind, self._state, self._wording, self._as_of = kind, state, wording, as_of
        self._waits = waits
        self._after = ""
        self._is_drained = False
        self._cases: list[list[Message]] = []
        self._refused: list[Message] = []

    def next_chunk(self, now: datetime) -> list[list[Message]]:
        """The next cases with their messages in sequence, marked SENT; empty at the end."""
        chunk: list[list[Message]] = []
        count = 0
        while count < _CHUNK:
            if not self._cases:
                if self._is_drained:
                    break
                self._load()
                continue
            case = self._cases.pop()
            chunk.append(case)
            count += len(case)
        refused, self._refused = self._refused, []
        if chunk or refused:
            overtaken = settling.mark([message for case in chunk for message in case], refused, now)
            if overtaken:
                gone = {id(message) for message in overtaken}
                chunk = [[message for message in case if id(message) not in gone] for case in chunk]
                chunk = [case for case in chunk if case] or self.next_chunk(now)
        return chunk

    def _load(self) -> None:
        messages = self._read()
        if not messages:
            self._is_drained = True
            return
        self._render(messages)
        cases: dict[str, list[Message]] = {}
        for message in messages:
            if message.refusal is None:
                cases.setdefault(message.case_no, []).append(message)
            else:
                self._refused.append(message)
        for case in cases.values():
            if len(case) > 1:
                case.sort(
                    key=lambda message: (
                        message.clock_at or datetime.max,
                        message.record_key,
                        message.version,
                    )
                )
        self._cases = list(reversed(cases.values()))

    def _query(self) -> Any:
        """The rows of this queue that may go now, in the order of their cases.

        A version waits for an older one of the same record that is under way. Inside a case a record waits for an
        earlier stage, and for an earlier record of its own stage, that is SENT or is to be tried again; but one that
        has failed five times no longer holds up the others: a poisoned record must not make a whole case late. An
        earlier stage that is held or refused does not stop the later ones, with one exception: where the province has
        lost the application, everything waits until it has it, or a newer version of it, again. Where a receiver takes
        what lies before it later, but in its order, nothing but the application's receipt is waited for.
        """
        o, other = ledger.outbox, ledger.outbox.alias("other")
        is_under_way = states.is_in("SENT", table=other) if self._waits else false()
        waits_for_older = exists().where(
            other.c.record == o.c.record,
            other.c.record_key == o.c.record_key,
            other.c.version < o.c.version,
            states.is_in("RETRY", "SENT", table=other),
        )
        is_earlier_step = and_(
            other.c.stage == o.c.stage,
            other.c.clock_at < o.c.clock_at,
            # What is due as well goes before it in the same chunk.
            or_(is_under_way, other.c.next_try_at > self._as_of),
        )
        waits_for_earlier = exists().where(
            other.c.case_no == o.c.case_no,
            or_(other.c.stage < o.c.stage, is_earlier_step),
            or_(
                is_under_way,
                and_(states.is_in("RETRY", table=other), other.c.attempts < _POISONED),
            ),
        )
        query = (
            select(
                o.c.record_key, o.c.version, o.c.case_no, o.c.batch_id, o.c.attempts,
                o.c.clock_at, o.c.due_at, o.c.is_backfill, o.c.written_at,
            )
            .where(states.is_in(self._state), o.c.stage == self._kind.stage)
            .where(or_(o.c.version == 1, ~waits_for_older), ~waits_for_earlier)
            .order_by(o.c.case_no)
        )  # fmt: skip
        if self._kind.stage > 0:
            query = query.where(~_application_is_lost(o))
        return query.where(o.c.next_try_at <= self._as_of) if self._state == "RETRY" else query

    def _read(self) -> list[Message]:
        """The next slice of the outbox, whole cases only."""
        case_no = ledger.outbox.c.case_no
        with ledger.engine().connect() as connection:
            rows = list(connection.execute(self._query().where(case_no > self._after).limit(_SLICE)))
            if len(rows) == _SLICE:
                last = rows[-1].case_no
                if rows[0].case_no == last:
                    rows = list(connection.execute(self._query().where(case_no == last)))
                else:
                    while rows[-1].case_no == last:
                        rows.pop()
            else:
                self._is_drained = True
            clocks = _corrected(connection, self._kind, [row for row in rows if row.version > 1])
        if rows:
            self._after = rows[-1].case_no
        self._batches = [row.batch_id for row in rows]
        messages = []
        for row in rows:
            clock_at = clocks.get((row.record_key, row.version), row.clock_at)
            due_at = clock_at + deadline.LIMIT if clock_at else None
            messages.append(
                Message(
                    self._kind.record, row.record_key, row.version, row.case_no, row.attempts, self._state,
                    clock_at, due_at, row.is_backfill,
                )
            )  # fmt: skip
        return messages

    def _render(self, messages: list[Message]) -> None:
        """Fill in address and body from the batches."""
        files = [batches.record_file(batch_id, self._kind.table) for batch_id in sorted(set(self._batches))]
        if missing := [file for file in files if not file.is_file()]:
            raise WangtingError(
                "批次文件缺失，无法报送其中的记录", place=str(missing[0]), mend="从备份恢复该文件"
            )
        wanted = engine.given(
            {"position": "integer", "record_key": "varchar", "version": "integer", "batch_id": "varchar"},
            (
                (position, message.record_key, message.version, batch_id)
                for position, (message, batch_id) in enumerate(zip(messages, self._batches, strict=True))
            ),
        )
        low, high = engine.literal(messages[0].case_no), engine.literal(messages[-1].case_no)
        cursor = self._work.execute(f"""
            select
                position,
                {self._wording.address} as address,
                {self._wording.body} as body,
                {self._wording.refusal} as refusal
            from (
                select * from {batches.reading_content(files)}
                where case_no between {low} and {high}
            ) inner join {wanted} as wanted using (record_key, version, batch_id)
        """)
        found = 0
        for position, address, text, refusal in cursor.fetchall():
            message = messages[position]
            message.address, message.body = address, text.encode()
            message.refusal = f"字段 {refusal} {self._wording.why}" if refusal else None
            found += 1
        if found != len(messages):
            lost = next(message for message in messages if not message.body)
            if (batch_id := self._batches[messages.index(lost)]) in batches.reduced():
                raise WangtingError(
                    f"记录 {lost.record} {lost.record_key} 第 {lost.version} 版的内容已按留存期清除，不能再报送",
                    place=batch_id,
                    mend="从备份恢复该批次的文件，或由来源单位更正后以新版本报送",
                )
            raise WangtingError(
                f"批次文件中缺少已入队的记录（{lost.record} {lost.record_key} 第 {lost.version} 版等）",
                place=str(files[0].parent.parent),
                mend="从备份恢复批次文件",
            )


def _application_is_lost(o: Any) -> Any:
    """Whether the case's application was acknowledged once, is not there now, and no other version of it is."""
    lost, there = ledger.outbox.alias("lost"), ledger.outbox.alias("there")
    return exists().where(
        lost.c.case_no == o.c.case_no,
        lost.c.stage == 0,
        lost.c.acked_at.is_not(None),
        states.is_in("RETRY", "SENT", "REJECTED", table=lost),
    ) & ~exists().where(there.c.case_no == o.c.case_no, there.c.stage == 0, states.is_in("ACK", table=there))


def _corrected(
    connection: Connection, kind: RecordType, rows: Sequence[Any]
) -> dict[tuple[str, int], datetime | None]:
    """Clocks of corrections whose older version was still under way when they entered, and is acknowledged now."""
    if not rows:
        return {}
    o = ledger.outbox
    known: dict[str, dict[int, str]] = {}
    query = select(o.c.record_key, o.c.version, o.c.state).where(
        o.c.record == kind.record, o.c.record_key.in_(bindparam("keys", expanding=True))
    )
    for row in connection.execute(query, {"keys": [row.record_key for row in rows]}):
        known.setdefault(row.record_key, {})[row.version] = row.state
    clocks = {}
    for row in rows:
        older = [version for version in known[row.record_key] if version < row.version]
        if older and row.written_at and known[row.record_key][max(older)] == "ACK":
            clocks[row.record_key, row.version] = row.written_at
    return clocks
