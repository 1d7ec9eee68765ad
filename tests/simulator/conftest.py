"""A small city of the generator alone, shared by the tests of this room."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import wording

from simulator.city import City


@pytest.fixture(scope="session")
def wording_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("wording")
    before = os.environ.get("WANGTING_HOME")
    os.environ["WANGTING_HOME"] = str(home)
    yield home
    if before is None:
        del os.environ["WANGTING_HOME"]
    else:
        os.environ["WANGTING_HOME"] = before


@pytest.fixture(scope="session")
def worded(wording_home: Path) -> City:
    """2,000 cases, one in ten with a planted fault."""
    return wording.make(wording_home, 2_000, 7, 0.1)
