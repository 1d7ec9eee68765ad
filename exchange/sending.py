"""A chunk on the wire: cases side by side, the records of one case one after another, several in a request at most."""

import asyncio
from collections import deque
from collections.abc import Callable

from exchange.messages import Message, Result
from exchange.pace import Bucket, Watch
from exchange.receivers.protocol import Answer, Receiver, UnwelcomeError

_PROBES = 3  # records that ask in turn where somebody is there but the one before got no answer
Case = list[Message]


class Sender:
    """Sends chunks to one receiver and keeps in mind how it answers.

    Attributes:
        failures_in_a_row: submissions without any receipt, up to the last.
        was_tried, was_heard: in this pass.
        is_probing: it was not there a moment ago, so one record asks first.
        trouble: the receiver does not take us at all.
    """

    def __init__(self, receiver: Receiver, connections: int, rate: float | None) -> None:
        self._receiver, self._connections = receiver, connections
        self._bucket = Bucket(rate)
        self.watch = Watch()
        self.failures_in_a_row = 0
        self.last_failure = ""
        self.was_tried = self.was_heard = False
        self.is_probing = False
        self.trouble: UnwelcomeError | None = None

    @property
    def is_dead(self) -> bool:
        """So many submissions in a row came to nothing that no more are worth trying in this pass."""
        return self.failures_in_a_row >= self._receiver.breaks_after

    @property
    def may_go_on(self) -> bool:
        """Whether another record may be sent in this pass."""
        return not self.is_dead and self.trouble is None

    def begin_pass(self) -> None:
        """A new pass: what was before does not count."""
        self.failures_in_a_row = 0
        self.was_tried = self.was_heard = False
        self.watch = Watch()

    def untouched(self, chunk: list[Case]) -> list[Result]:
        """The results of a chunk that is not sent after all."""
        return [Result(message, None, self.watch.now()) for case in chunk for message in case]

    async def send(self, chunk: list[Case], answered: Callable[[], None]) -> list[Result]:
        """Send a chunk; one result a message, in its order, without an answer where it was not sent.

        Args:
            answered: told when a receiver that was away has answered.
        """
        waiting = deque(chunk)
        answers: dict[int, Result] = {}
        size = self._receiver.batch

        async def work(turns: int, cases: int) -> None:
            while waiting and turns and self.may_go_on:
                turns -= 1
                await self._converse([waiting.popleft() for _ in range(min(cases, len(waiting)))], answers)

        if self.is_probing:
            await self._probe(work)
            if not self.is_probing:
                answered()
        await asyncio.gather(*(work(len(chunk), size) for _ in range(min(self._connections, len(chunk)))))
        return [
            answers.get(id(message)) or Result(message, None, self.watch.now())
            for case in chunk
            for message in case
        ]

    async def _probe(self, work: Callable[[int, int], "asyncio.Future[None] | object"]) -> None:
        for _ in range(_PROBES):
            await work(1, 1)  # type: ignore[misc]
            if not self.failures_in_a_row or self.trouble or not await self._receiver.is_there():
                break
        self.is_probing = self.failures_in_a_row > 0
        if self.is_probing:
            self.failures_in_a_row = self._receiver.breaks_after

    async def _converse(self, cases: list[Case], answers: dict[int, Result]) -> None:
        """A request of the cases' first records, then one of their second ones, and so on."""
        if not self._receiver.answers_at_once:
            # No record of a case waits for another's receipt: they lie there in their order.
            await self._submit([message for case in cases for message in case], answers)
            return
        position = 0
        while cases and self.may_go_on:
            came = await self._submit([case[position] for case in cases], answers)
            position += 1
            # The later records of a case wait for one that failed.
            cases = [
                case
                for case, answer in zip(cases, came, strict=True)
                if len(case) > position and answer.code not in (None, 3)
            ]

    async def _submit(self, messages: list[Message], answers: dict[int, Result]) -> list[Answer]:
        await self._bucket.take(len(messages), self.watch)
        try:
            came = await self._receiver.submit(messages)
        except UnwelcomeError as error:
            self.trouble = error
            return [Answer("failure")] * len(messages)
        now = self.watch.now()
        self.was_tried = True
        got_nothing = True
        for message, answer in zip(messages, came, strict=True):
            # A receiver's clock may be ahead of ours; nothing was acknowledged in the future.
            answers[id(message)] = Result(message, answer, min(answer.at, now) if answer.at else now)
            self.was_heard = self.was_heard or answer.was_heard
            if answer.kind == "failure":
                self.last_failure = answer.text or ""
            else:
                got_nothing = False
        self.failures_in_a_row = self.failures_in_a_row + 1 if got_nothing else 0
        return came
