"""What every receiver can do, and what it answers."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from exchange.records import RecordType
from wangting.errors import WangtingError

if TYPE_CHECKING:
    from exchange.messages import Message


@dataclass(frozen=True)
class Answer:
    """What came of one submission.

    Attributes:
        kind: receipt (a code came), failure (time-out, refused, 5xx, no receipt in the answer: may be tried again),
            left (it lies there and the receiver has not looked at it yet; its receipt comes later).
        code: the receipt's, 0–4.
        was_heard: somebody answered, whatever it was.
        at: when the receiver says that it gave the receipt, where it says so; naive, in the site's zone.
    """

    kind: Literal["receipt", "failure", "left"]
    code: int | None = None
    receipt_no: str | None = None
    text: str | None = None
    was_heard: bool = True
    at: datetime | None = None


@dataclass(frozen=True)
class Wording:
    """How records of one type are worded, as SQL expressions (DuckDB) over the rows of a batch.

    Attributes:
        address: where the message goes, as text: path and query below the receiver's address.
        body: the message, as text.
        refusal: the official name of the first field that this dialect cannot carry; null where all can go.
        why: what is wrong with such a field.
    """

    address: str
    body: str
    refusal: str
    why: str


class UnwelcomeError(WangtingError):
    """The receiver does not take us at all (credentials, address): no record is to blame."""


class Receiver(Protocol):
    """A session with a receiver; used as an asynchronous context manager.

    Attributes:
        place: what it is called in errors; without any secret.
        batch: how many records one submission holds at most.
        answers_at_once: whether a submission is answered by receipts; otherwise they are looked up in later runs.
        breaks_after: how many submissions without an answer in a row mean that it is away.
    """

    place: str
    batch: int
    answers_at_once: bool
    breaks_after: int

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def wording(self, kind: RecordType) -> Wording:
        """How records of this type are worded.

        Raises:
            WangtingError: this dialect has no words for the record type.
        """
        ...

    async def submit(self, messages: "Sequence[Message]") -> list[Answer]:
        """Send messages of one record type, at most `batch`; one answer each, in the same order.

        Raises:
            UnwelcomeError: we are not taken at all.
        """
        ...

    async def look_up(self, messages: "Sequence[Message]") -> list[Answer | None]:
        """What the receiver has of messages sent earlier: a receipt, `left`, a failure; None where it has nothing.

        Raises:
            WangtingError: it does not answer.
        """
        ...

    async def read(self, record: str, record_key: str, version: int) -> dict[str, Any] | None:
        """One stored record in the specification's names (see `pages`); None where it has none."""
        ...

    def pages(self, record: str, size: int = 1000) -> AsyncIterator[list[dict[str, Any]]]:
        """All stored records of one type, page by page, in the specification's names.

        A row each: tableName, identify, version, deptCode, receivedAt, receiptNo, fields.
        """
        ...

    async def counts(self) -> list[dict[str, Any]]:
        """The receiver's own counts: day, deptCode, tableName, count."""
        ...

    async def is_there(self) -> bool:
        """Whether anybody answers at all, be it not to a submission."""
        ...
