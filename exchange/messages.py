"""A record version on its way, and what came of it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from exchange.receivers.protocol import Answer


@dataclass(slots=True)
class Message:
    """One record version on its way.

    Attributes:
        attempts: before this one. was: the state to return to when it is not sent after all.
        refusal: which field the dialect cannot carry, and why; such a message is never sent.
    """

    record: str
    record_key: str
    version: int
    case_no: str
    attempts: int
    was: str
    clock_at: datetime | None
    due_at: datetime | None
    is_backfill: bool
    address: str = ""
    body: bytes = b""
    refusal: str | None = None


@dataclass(slots=True)
class Result:
    """What came of a message; `answer` None: it was not sent after all."""

    message: Message
    answer: Answer | None
    at: datetime


def jittered(seconds: float, message: Message) -> float:
    """A back-off spread by ±20 %, the same for the same record and attempt in every run."""
    name = f"{message.record}|{message.record_key}|{message.version}|{message.attempts}"
    spread = hashlib.blake2s(name.encode(), digest_size=2).digest()
    return seconds * (0.8 + 0.4 * int.from_bytes(spread, "big") / 65_535)
