"""A small city of the generator alone: no server, no clock."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from simulator import city as simulated
from simulator import records, truth
from simulator.city import City, Settings

SITE = Path(__file__).resolve().parents[2] / "sites" / "chaozhou"
UNTIL = f"timestamp '{simulated.START}'"


def make(home: Path, cases: int, seed: int, share: float) -> City:
    """A city with its whole history worded in DuckDB, nothing handed to any source."""
    made = City(home, SITE, Settings(cases, seed, share))
    day, days = simulated.FIRST_DAY, []
    while day <= simulated.START.date():
        days.append(made.day(day))
        day += timedelta(days=1)
    made.load(made.draw(made.settle(days, 0)))
    records.build(made.connection)
    truth.latest_views(made.connection, UNTIL)
    return made


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
    return make(wording_home, 2_000, 7, 0.1)
