"""How fast, by which time: a rate limit and the moment of an answer, on the real clock and on a simulated one."""

import asyncio
import time
from datetime import datetime, timedelta

from wangting import clock


class Watch:
    """The house's time at the moment of an answer, without asking the house a thousand times a second."""

    def __init__(self) -> None:
        self._at, self.is_simulated = clock.now(), clock.simulated() is not None
        self._since = time.monotonic()

    def now(self) -> datetime:
        """Naive, in the site's zone."""
        if self.is_simulated:
            return self._at
        return self._at + timedelta(seconds=time.monotonic() - self._since)

    async def wait(self, seconds: float) -> None:
        """Wait; a simulated clock moves instead."""
        if self.is_simulated:
            self._at = clock.advance(timedelta(seconds=seconds))
        else:
            await asyncio.sleep(seconds)

    def seconds(self) -> float:
        """A time to measure spans by."""
        return self._at.timestamp() if self.is_simulated else time.monotonic()


class Bucket:
    """A token bucket: at most `rate` records a second, and at most a tenth of a second's worth at once."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._room = max(rate / 10, 1.0) if rate else 0.0
        self._tokens, self._seen = self._room, 0.0

    async def take(self, records: int, watch: Watch) -> None:
        """Wait until so many may go; who comes later waits longer."""
        if self._rate is None:
            return
        now = watch.seconds()
        if self._seen:
            self._tokens = min(self._room, self._tokens + max(now - self._seen, 0.0) * self._rate)
        self._seen = now
        self._tokens -= records
        if self._tokens < 0:
            await watch.wait(-self._tokens / self._rate)
