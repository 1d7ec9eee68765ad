"""A lane made by hand and a province that behaves as badly as a test asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange.lane import Lane
from tests.exchange.receiver import Receiver


@pytest.fixture
def lane(home: Path) -> Lane:
    """An exchange lane in a home of its own; the clock is simulated."""
    return Lane(home)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A province on a free port; address and token are set."""
    with Receiver() as running:
        monkeypatch.setenv("PROVINCE_URL", running.url)
        monkeypatch.setenv("PROVINCE_TOKEN", running.token)
        yield running
