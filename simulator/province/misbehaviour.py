"""How the province misbehaves on demand: the same record at the same attempt meets the same fate under one seed."""

import hashlib
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from wangting import clock


@dataclass(frozen=True)
class Manners:
    """Probabilities (0–1) of each fault a submission; all zero is good behaviour.

    Attributes:
        timeout: takes the request, stores it or not (even odds), and never answers.
        error: answers 5xx and stores nothing.
        stored_error: stores the record, then answers 5xx all the same.
        receipt3: answers receipt code 3 and stores nothing.
        slow, slow_seconds: answers rightly, but late.
        duplicate_receipt: answers rightly, and writes the same receipt down twice.
        garbage: stores it, answers 200 and something that is no receipt.
        half: stores it, answers 200 and the first half of the receipt.
        other: stores it, and gives the receipt of another record.
        drip: answers rightly, a few bytes at a time, over `slow_seconds`.
        reset: stores it, and breaks the connection off in the middle of the answer.
        down: above zero it is down: everything but /health and /misbehave gets 503 and nothing is stored.
        down_until: down until this moment of its clock, ISO; empty: not so.
    """

    timeout: float = 0.0
    error: float = 0.0
    stored_error: float = 0.0
    receipt3: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 1.0
    duplicate_receipt: float = 0.0
    garbage: float = 0.0
    half: float = 0.0
    other: float = 0.0
    drip: float = 0.0
    reset: float = 0.0
    down: float = 0.0
    down_until: str = ""
    seed: int = 0

    @classmethod
    def parse(cls, wanted: Mapping[str, Any]) -> "Manners":
        """Read a request's JSON. Raises ValueError (Chinese) for an unknown name or a number out of range."""
        known = {field.name for field in fields(cls)}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"未知的设置 {name}，可用：{'、'.join(sorted(known))}")
            if name == "down_until":
                try:
                    datetime.fromisoformat(value or "2000-01-01")
                except (TypeError, ValueError):
                    raise ValueError("down_until 应为时间") from None
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{name} 应为数字")
            if name not in ("seed", "slow_seconds") and not 0 <= value <= 1:
                raise ValueError(f"{name} 应在 0 与 1 之间")
        return cls(**wanted)

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)

    @property
    def is_good(self) -> bool:
        """Whether no fault can happen at all."""
        return not any(
            value
            for name, value in asdict(self).items()
            if name not in ("seed", "slow_seconds", "down", "down_until")
        )

    @property
    def is_down(self) -> bool:
        """Whether it is down at this moment."""
        return bool(self.down) or bool(
            self.down_until and clock.now() < datetime.fromisoformat(self.down_until)
        )


@dataclass(frozen=True)
class Fate:
    """What happens to one submission."""

    timeout: bool = False
    stores_before_timeout: bool = False
    error: int = 0
    stored_error: bool = False
    receipt3: bool = False
    wait_seconds: float = 0.0
    duplicate_receipt: bool = False
    garbage: bool = False
    half: bool = False
    other: bool = False
    drip_seconds: float = 0.0
    reset: bool = False


GOOD = Fate()


class Misbehaviour:
    """Draws each submission's fate. Independent of the order of arrival, so that concurrency changes nothing."""

    def __init__(self) -> None:
        self.manners = Manners()
        self._attempts: Counter[tuple[str, str, str]] = Counter()

    def set(self, manners: Manners) -> None:
        """Behave so from now on; attempts are counted afresh."""
        self.manners = manners
        self._attempts.clear()

    def fate(self, table: str, identify: str, version: str) -> Fate:
        """What happens to this attempt at submitting this record."""
        manners = self.manners
        if manners.is_good:
            return GOOD
        key = (table, identify, version)
        self._attempts[key] += 1
        text = "\n".join((str(manners.seed), *key, str(self._attempts[key])))
        timeout, stores, error, stored_error, receipt3, slow, duplicate, which = _draws(text)
        garbage, half, other, drip, reset, *_ = _draws(f"{text}\nmore")
        return Fate(
            timeout=timeout < manners.timeout,
            stores_before_timeout=stores < 0.5,
            error=(500, 502, 503)[int(which * 3)] if error < manners.error else 0,
            stored_error=stored_error < manners.stored_error,
            receipt3=receipt3 < manners.receipt3,
            wait_seconds=manners.slow_seconds if slow < manners.slow else 0.0,
            duplicate_receipt=duplicate < manners.duplicate_receipt,
            garbage=garbage < manners.garbage,
            half=half < manners.half,
            other=other < manners.other,
            drip_seconds=manners.slow_seconds if drip < manners.drip else 0.0,
            reset=reset < manners.reset,
        )


def _draws(text: str) -> list[float]:
    """Eight numbers between 0 and 1."""
    digest = hashlib.blake2b(text.encode(), digest_size=32).digest()
    return [number / 2**32 for number in struct.unpack("<8I", digest)]
