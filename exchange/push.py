"""The push: everything that may go is sent, stage by stage, cases side by side, and nothing is ever lost.

Which words it goes in, and by which way, the receiver knows (`exchange.receivers`); whether it is sent to at all, the
breaker does (`exchange.breaker`).

"Exactly once" is at least once with (key, version): a record is SENT in the ledger before its first byte leaves, its
receipt and new state are stored together, and what a crash left without an answer is read back first.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from exchange import breaker, finals, outbox, settling, unanswered
from exchange.breaker import Standing
from exchange.messages import Message, Result
from exchange.queues import Queue
from exchange.receivers import manners, receiver_of
from exchange.receivers.protocol import Answer, UnwelcomeError
from exchange.records import RecordType, record_types
from exchange.sending import Sender
from wangting import clock, console, engine, locks
from wangting.errors import WangtingError
from wangting.site import Site, current_site

_PASSES = 30  # a run; a case whose stages each fail at first needs more than one record does, waiting ends it
_LONGEST_WAIT = 400.0  # seconds of waiting a run: a run every ten minutes must end before the next
_DEAD_PASSES = 3  # passes in a row in which the province was not there at all
_OPEN = ("NEW", "RETRY", "SENT")

Value = TypeVar("Value")


@dataclass
class PushSummary:
    """What a push did; counts are record versions, `attempts` counts requests.

    Attributes:
        on_time, late: of what was acknowledged now, live only, within or after its 12 hours.
        read_back: without an answer from an earlier run, found at the province.
        left: laid down where the receiver takes them itself; their receipts come with a later run.
        archived: final ones that left the ledger for Parquet afterwards.
        stopped: why the run ended before its time although nothing is new about it: the receiver is still away.
        states: the outbox afterwards.
    """

    attempts: int = 0
    acknowledged: int = 0
    rejected: int = 0
    failed_attempts: int = 0
    read_back: int = 0
    on_time: int = 0
    late: int = 0
    left: int = 0
    archived: int = 0
    stopped: str | None = None
    without_content: int = 0
    states: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


def push(*, backfill: bool = False, ask_now: bool = False) -> PushSummary:
    """Send what may be sent and store what came of it.

    Args:
        backfill: also send what passed of all cases from before the go-live.
        ask_now: what failed is tried again at once, and a receiver that is known to be away asked at once, not only
            when their time has come.

    Raises:
        WangtingError: the receiver has stopped answering in this run, or does not take us; everything stays in the
            outbox for the next run. While it is known to be away a push ends at once, without an error.
    """
    started = time.monotonic()
    with locks.writer("push"):
        gone = outbox.enqueue_backfill().without_content if backfill else 0
        summary = PushSummary(without_content=gone, states=settling.by_state())
        if any(summary.states.get(state) for state in _OPEN):
            _run(current_site(), summary, ask_now=ask_now)
            summary.states = settling.by_state()
        summary.archived = finals.move().rows
    summary.seconds = round(time.monotonic() - started, 2)
    return summary


def _run(site: Site, summary: PushSummary, *, ask_now: bool) -> None:
    import uvloop

    standing = breaker.standing(breaker.name_of(manners(site)))
    if standing.waits(clock.now()) and not ask_now:
        summary.stopped = breaker.sentence(standing)
        return
    if ask_now:
        settling.try_now()
    run = _Run(site, record_types(), summary, standing)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run.whole())


class _Run:
    """One run of the push."""

    def __init__(self, site: Site, kinds: list[RecordType], summary: PushSummary, standing: Standing) -> None:
        self._site, self._kinds, self._summary = site, kinds, summary
        self._manners = manners(site)
        self._standing = standing
        self._trouble: WangtingError | None = None
        self._is_read_back = False

    async def whole(self) -> None:
        """Pass after pass until nothing is left that may be tried in this run."""
        # One thread for the ledger and the rendering: they go on while the chunk before is on the wire.
        with (
            ThreadPoolExecutor(1) as self._desk,
            console.progress("推送", sum(self._open_counts())) as self._steps,
            engine.connect() as self._work,
        ):
            async with receiver_of(self._site) as self._receiver:
                self._wordings = {kind.record: self._receiver.wording(kind) for kind in self._kinds}
                self._sender = Sender(self._receiver, self._manners.connections, self._manners.rate)
                if self._standing.is_away:
                    self._standing = await self._later(breaker.probing, self._standing)
                    self._sender.is_probing = True
                await self._passes()
        if self._trouble is not None:
            raise self._trouble

    def _open_counts(self) -> list[int]:
        return [self._summary.states.get(state, 0) for state in (*_OPEN, "BLOCKED")]

    async def _passes(self) -> None:
        waited, sender = 0.0, self._sender
        for number in range(_PASSES):
            sender.begin_pass()
            reason = await self._read_back()
            if reason is None:
                await self._pass()
            self._trouble = self._trouble or sender.trouble
            if self._trouble is not None or await self._is_away(reason):
                return
            pause = await self._later(self._pause, number, reason is not None)
            if pause is None or waited + pause > _LONGEST_WAIT or number == _PASSES - 1:
                return
            waited += pause
            await self._later(clock.sleep, pause)

    async def _is_away(self, reason: str | None) -> bool:
        """Whether nobody answers any more, so that this run ends; the ledger's breaker is told of it.

        Args:
            reason: why not even the reading back came to anything.
        """
        sender, before = self._sender, self._standing
        # On a quiet day there are fewer records than the breaker needs.
        is_silent = sender.was_tried and not sender.was_heard
        is_dead = sender.is_dead or reason is not None
        if not is_dead and not is_silent:
            if sender.was_heard and not before.is_away:
                self._standing = await self._later(breaker.closed, before)
            return False
        why = reason or sender.last_failure
        if before.is_away:
            self._standing = await self._later(breaker.opened, before, why, self._manners.breaker.probe_after)
            self._summary.stopped = breaker.sentence(self._standing)
            return True
        sender.is_probing = is_dead
        if before.failures + 1 < _DEAD_PASSES:
            self._standing = await self._later(breaker.stumbled, before, why)
            return False
        if not is_dead and await self._receiver.is_there():
            # A record gets no answer, others would.
            self._standing = await self._later(breaker.closed, before)
            return False
        self._standing = await self._later(breaker.opened, before, why, self._manners.breaker.probe_after)
        self._trouble = await self._gone(why)
        return True

    def _answered(self) -> None:
        """A receiver that was away has answered."""
        if self._standing.is_away:
            self._standing = breaker.closed(self._standing)

    def _pause(self, number: int, is_unread: bool) -> float | None:
        """Seconds until the next pass is worth while; None: nothing waits to be tried again."""
        now = clock.now()
        step = settling.BACK_OFF[min(number, len(settling.BACK_OFF) - 1)] * 1.2
        if is_unread:
            return step
        first, last = settling.next_tries(now + timedelta(seconds=step))
        if first is None:
            return None
        return max(((last or first) - now).total_seconds(), 0.0)

    async def _gone(self, why: str) -> WangtingError:
        states = await self._later(settling.by_state)
        left = sum(states.get(state, 0) for state in ("NEW", "RETRY", "SENT", "BLOCKED"))
        return WangtingError(
            f"连续 {_DEAD_PASSES} 轮都没有应答（{why}），停止本次推送，{left} 条记录全部留待下次",
            place=self._receiver.place,
            mend=breaker.MEND,
        )

    async def _pass(self) -> None:
        # A record that never gets an answer must not be the one that asks every time.
        turned = self._standing.is_away and self._standing.probes % 2
        for kind in self._kinds:
            for state in ("NEW", "RETRY") if turned else ("RETRY", "NEW"):  # what failed earlier goes first
                wording = self._wordings[kind.record]
                queue = Queue(
                    self._work, kind, state, wording, self._sender.watch.now(),
                    waits=self._receiver.answers_at_once,
                )  # fmt: skip
                await self._wave(queue)
                if not self._sender.may_go_on:
                    return

    async def _wave(self, queue: Queue) -> None:
        sender = self._sender
        storing: asyncio.Future[None] | None = None
        ahead = self._later(queue.next_chunk, sender.watch.now())
        while chunk := await ahead:
            if not sender.may_go_on:
                await self._later(self._settle, sender.untouched(chunk))
                break
            ahead = self._later(queue.next_chunk, sender.watch.now())
            results = await sender.send(chunk, self._answered)
            if storing is not None:
                await storing
            storing = self._later(self._settle, results)
        if storing is not None:
            await storing

    def _later(self, work: Callable[..., Value], *arguments: Any) -> "asyncio.Future[Value]":
        return asyncio.get_running_loop().run_in_executor(self._desk, work, *arguments)

    def _settle(self, results: list[Result]) -> None:
        # What was only left there stays SENT; its receipt is read back later.
        settled = [result for result in results if result.answer is None or result.answer.kind != "left"]
        counts = settling.settle(settled)
        summary = self._summary
        summary.attempts += len(results) - counts["BACK"]
        summary.left += len(results) - len(settled)
        self._count(counts)
        summary.failed_attempts += counts["RETRY"]

    def _count(self, counts: dict[str, int]) -> None:
        summary = self._summary
        summary.acknowledged += counts["ACK"]
        summary.rejected += counts["REJECTED"]
        summary.on_time += counts["ON_TIME"]
        summary.late += counts["LATE"]
        self._steps(summary.acknowledged + summary.rejected)

    async def _read_back(self) -> str | None:
        """What earlier runs left without an answer: the receiver says whether it has it.

        Returns:
            Why it could not be asked; None where it could.
        """
        if self._is_read_back and self._receiver.answers_at_once:
            return None
        after: unanswered.Place | None = None
        while True:
            messages, after = await self._later(unanswered.slice_of, after, self._receiver.answers_at_once)
            if not messages:
                break
            try:
                answers = await self._receiver.look_up(messages)
            except UnwelcomeError as error:
                self._trouble = error
                return None
            except WangtingError as error:
                return error.message
            await self._later(self._settle_read_back, messages, answers)
        self._is_read_back = True
        return None

    def _settle_read_back(self, messages: list[Message], answers: list[Answer | None]) -> None:
        now = clock.now()
        results = [
            Result(message, answer, min(answer.at, now) if answer and answer.at else now)
            for message, answer in zip(messages, answers, strict=True)
            if answer is None or answer.kind == "receipt"
        ]
        if results:
            counts = settling.settle_read_back(results, now)
            self._summary.read_back += counts["ACK"]
            self._count(counts)
