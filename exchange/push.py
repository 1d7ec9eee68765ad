"""The push: everything that may go is sent, stage by stage, cases side by side, and nothing is ever lost.

"Exactly once" is at least once with (key, version): a record is SENT in the ledger before its first byte leaves, its
receipt and new state are stored together, and what a crash left without an answer is read back first.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from exchange import outbox, settling
from exchange.messages import Message, Result
from exchange.province import Province, UnwelcomeError
from exchange.queues import Queue
from exchange.records import RecordType, record_types
from wangting import clock, console, engine, locks
from wangting.errors import WangtingError
from wangting.site import Site, current_site

_PASSES = 5  # attempts a record and run; what fails more often waits for the next run
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
        states: the outbox afterwards.
    """

    attempts: int = 0
    acknowledged: int = 0
    rejected: int = 0
    failed_attempts: int = 0
    read_back: int = 0
    on_time: int = 0
    late: int = 0
    states: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


def push(*, backfill: bool = False) -> PushSummary:
    """Send what may be sent and store what came of it.

    Args:
        backfill: also send what passed of all cases from before the go-live.

    Raises:
        WangtingError: the province is not there or does not take us; everything stays in the outbox for the next run.
    """
    started = time.monotonic()
    with locks.writer("push"):
        if backfill:
            outbox.enqueue_backfill()
        summary = PushSummary(states=settling.by_state())
        if any(summary.states.get(state) for state in _OPEN):
            import uvloop

            run = _Run(current_site(), record_types(), summary)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(run.whole())
            summary.states = settling.by_state()
    summary.seconds = round(time.monotonic() - started, 2)
    return summary


class _Watch:
    """The house's time at the moment of an answer, without asking the house a thousand times a second."""

    def __init__(self) -> None:
        self._at, self._is_simulated = clock.now(), clock.simulated() is not None
        self._since = time.monotonic()

    def now(self) -> datetime:
        if self._is_simulated:
            return self._at
        return self._at + timedelta(seconds=time.monotonic() - self._since)


class _Run:
    """One run of the push."""

    def __init__(self, site: Site, kinds: list[RecordType], summary: PushSummary) -> None:
        self._site, self._kinds, self._summary = site, kinds, summary
        self._failures_in_a_row = 0
        self._was_tried = self._was_heard = False  # in this pass
        self._breaker = max(site.province.connections, 8)
        self._is_probing = False
        self._trouble: WangtingError | None = None
        self._last_failure = ""
        self._watch = _Watch()

    @property
    def _is_dead(self) -> bool:
        return self._failures_in_a_row >= self._breaker

    async def whole(self) -> None:
        """Read back, then pass after pass until nothing is left that may be tried in this run."""
        # One thread for the ledger and the rendering: they go on while the chunk before is on the wire.
        with (
            ThreadPoolExecutor(1) as self._desk,
            console.progress("推送", sum(self._open_counts())) as self._steps,
            engine.connect() as self._work,
        ):
            async with Province(self._site) as self._province:
                await self._read_back()
                await self._passes()
        if self._trouble is not None:
            raise self._trouble

    def _open_counts(self) -> list[int]:
        return [self._summary.states.get(state, 0) for state in (*_OPEN, "BLOCKED")]

    async def _passes(self) -> None:
        waited, dead = 0.0, 0
        for number in range(_PASSES):
            self._failures_in_a_row = 0
            self._was_tried = self._was_heard = False
            self._watch = _Watch()
            await self._pass()
            if self._trouble is not None:
                return
            # On a quiet day there are fewer records than the breaker needs.
            is_silent = self._was_tried and not self._was_heard
            self._is_probing = self._is_dead
            if self._was_tried:
                dead = dead + 1 if self._is_dead or is_silent else 0
            if dead == _DEAD_PASSES and (self._is_dead or not await self._province.is_there()):
                self._trouble = await self._gone()
                return
            pause = await self._later(self._pause, number)
            if pause is None or waited + pause > _LONGEST_WAIT or number == _PASSES - 1:
                return
            waited += pause
            await self._later(clock.sleep, pause)

    def _pause(self, number: int) -> float | None:
        """Seconds until the next pass is worth while; None: nothing waits to be tried again."""
        now = clock.now()
        step = settling.BACK_OFF[min(number, len(settling.BACK_OFF) - 1)] * 1.2
        first, last = settling.next_tries(now + timedelta(seconds=step))
        if first is None:
            return None
        return max(((last or first) - now).total_seconds(), 0.0)

    async def _gone(self) -> WangtingError:
        states = await self._later(settling.by_state)
        left = sum(states.get(state, 0) for state in ("NEW", "RETRY", "SENT", "BLOCKED"))
        return WangtingError(
            f"连续 {_DEAD_PASSES} 轮都没有应答（{self._last_failure}），停止本次推送，{left} 条记录全部留待下次",
            place=f"省平台 {self._province.base}",
            mend="确认省平台和网络恢复后再运行 wangting push",
        )

    async def _pass(self) -> None:
        for kind in self._kinds:
            for state in ("RETRY", "NEW"):  # what failed earlier goes first
                await self._wave(
                    Queue(self._work, kind, state, self._site.province.dept_code, self._watch.now())
                )
                if self._is_dead or self._trouble is not None:
                    return

    async def _wave(self, queue: Queue) -> None:
        storing: asyncio.Future[None] | None = None
        ahead = self._later(queue.next_chunk, self._watch.now())
        while chunk := await ahead:
            if self._is_dead or self._trouble is not None:
                await self._later(self._settle, self._untouched(chunk))
                break
            ahead = self._later(queue.next_chunk, self._watch.now())
            results = await self._send(chunk)
            if storing is not None:
                await storing
            storing = self._later(self._settle, results)
        if storing is not None:
            await storing

    def _later(self, work: Callable[..., Value], *arguments: Any) -> "asyncio.Future[Value]":
        return asyncio.get_running_loop().run_in_executor(self._desk, work, *arguments)

    def _untouched(self, chunk: list[list[Message]]) -> list[Result]:
        return [Result(message, None, self._watch.now()) for case in chunk for message in case]

    async def _send(self, chunk: list[list[Message]]) -> list[Result]:
        """Send a chunk: cases side by side, the records of one case one after another."""
        waiting = deque(chunk)
        answers: dict[int, Result] = {}

        async def work(cases: int) -> None:
            while waiting and cases and not self._is_dead and self._trouble is None:
                cases -= 1
                for message in waiting.popleft():
                    try:
                        answer = await self._province.submit(message.address, message.body)
                    except UnwelcomeError as error:
                        self._trouble = error
                        return
                    answers[id(message)] = Result(message, answer, self._watch.now())
                    self._was_tried, self._was_heard = True, self._was_heard or answer.was_heard
                    if answer.kind == "failure":
                        self._failures_in_a_row += 1
                        self._last_failure = answer.text or ""
                    else:
                        self._failures_in_a_row = 0
                    if answer.code in (None, 3):
                        break  # the later records of this case wait for this one

        if self._is_probing:
            # It was not there a moment ago: one record asks first.
            await work(1)
            self._is_probing = self._failures_in_a_row > 0
            if self._is_probing:
                self._failures_in_a_row = self._breaker
        await asyncio.gather(
            *(work(len(chunk)) for _ in range(min(self._site.province.connections, len(chunk))))
        )
        return [
            answers.get(id(message)) or Result(message, None, self._watch.now())
            for case in chunk
            for message in case
        ]

    def _settle(self, results: list[Result]) -> None:
        counts = settling.settle(results)
        summary = self._summary
        summary.attempts += len(results) - counts["BACK"]
        summary.acknowledged += counts["ACK"]
        summary.rejected += counts["REJECTED"]
        summary.failed_attempts += counts["RETRY"]
        summary.on_time += counts["ON_TIME"]
        summary.late += counts["LATE"]
        self._steps(summary.acknowledged + summary.rejected)

    async def _read_back(self) -> None:
        """What an earlier run left without an answer: the province says whether it has it."""
        messages = await self._later(settling.unanswered)
        if not messages:
            return
        waiting, results = deque(messages), []

        async def work() -> None:
            while waiting:
                message = waiting.popleft()
                answer = await self._province.stored(message.record, message.record_key, message.version)
                if answer is None or answer.code == 0:
                    results.append(Result(message, answer, self._watch.now()))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._site.province.connections, len(messages))):
                    group.create_task(work())
        except* WangtingError as errors:
            self._trouble = errors.exceptions[0] if isinstance(errors.exceptions[0], WangtingError) else None
        if results:
            counts = await self._later(settling.settle_read_back, results, self._watch.now())
            self._summary.read_back += counts["ACK"]
            self._summary.on_time += counts["ON_TIME"]
            self._summary.late += counts["LATE"]
        if self._trouble is not None:
            raise self._trouble
