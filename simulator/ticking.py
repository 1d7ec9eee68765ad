"""A city that lives by itself: every so many real seconds it moves on a little, until it is asked to stop.

`operation/city.json` in the home is written anew after every step, so that whoever looks knows that the city lives.
"""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType

from wangting import clock, locks

_PATIENCE = 900.0  # seconds that a step waits for somebody else's: a day at five million cases takes minutes


@dataclass(frozen=True)
class Ticked:
    """How a ticking ended: how many steps it made and what the city's clock then showed."""

    steps: int
    clock: datetime


def heartbeat(home: Path) -> Path:
    """The file that a ticking city writes anew after every step."""
    return home / "operation" / "city.json"


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, so that a step under way is finished first."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tick(
    home: Path, every: float, start: Callable[[], bool], step: Callable[[], object], end: Callable[[], object]
) -> Ticked:
    """Tick until SIGTERM or SIGINT.

    Args:
        every: real seconds between two steps.
        start: starts the city's servers; whether they were not running before.
        step: moves the city on.
        end: stops the servers again, where `start` had to start them.

    Raises:
        WangtingError: the city ticks already, or a step failed.
    """
    with locks.writer("ticking"), _asked_to_stop() as stop:
        with locks.writer("simulator", wait=_PATIENCE):
            is_ours = start()
        steps = 0
        try:
            _write(heartbeat(home), steps, clock.now())
            while not stop.wait(every):
                with locks.writer("simulator", wait=_PATIENCE):
                    step()
                steps += 1
                _write(heartbeat(home), steps, clock.now())
            return Ticked(steps, clock.now())
        finally:
            heartbeat(home).unlink(missing_ok=True)
            if is_ours:
                with locks.writer("simulator", wait=_PATIENCE):
                    end()


def _write(file: Path, steps: int, moment: datetime) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"steps": steps, "clock": moment.isoformat()}), "utf-8")
    draft.replace(file)
