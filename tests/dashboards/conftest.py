"""A released warehouse of a small city, and a Superset over it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboards.running import Superset
from tests.e2e.city import City


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a current release of a city of 1,000 cases.

    `TEST_RELEASE` names a `marts.duckdb` to be used instead, for whoever runs these tests many times.
    """
    home = tmp_path_factory.mktemp("released") / "var"
    given = os.environ.get("TEST_RELEASE")
    if given:
        release = home / "releases" / "given"
        release.mkdir(parents=True)
        shutil.copy(given, release / "marts.duckdb")
        (home / "releases" / "current").symlink_to("given")
        yield home
        return
    city = City(home)
    try:
        city.run("simulate", "up", "--cases", "1000")
        for command in ("pull", "build", "publish"):
            city.run(command)
        yield home
    finally:
        city.run("simulate", "down")


@pytest.fixture(scope="session")
def marts(released: Path) -> Path:
    """The current release's file."""
    return released / "releases" / "current" / "marts.duckdb"


@pytest.fixture(scope="session")
def a_home(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Another home over the same release, so that a test may change what is Superset's."""
    home = tmp_path_factory.mktemp("superset") / "var"
    home.mkdir(mode=0o700)
    (home / "releases").symlink_to(released / "releases")
    yield home


@pytest.fixture(scope="session")
def superset(released: Path) -> Iterator[Superset]:
    """Not bootstrapped, not started; stopped at the end."""
    made = Superset(released)
    try:
        yield made
    finally:
        made.stop()
