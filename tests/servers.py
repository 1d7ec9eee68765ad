"""What tests that start servers need: ports that nobody listens at, and patience that ends."""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

T = TypeVar("T")


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at, each another."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    return free_ports(1)[0]


def wait_for(what: str, seconds: float, until: Callable[[], T | None]) -> T:
    """What `until` gives at last; while it gives None, or what it asks is not there yet, it is asked again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError, KeyError, FileNotFoundError):
            if (found := until()) is not None:
                return found
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds} s")
