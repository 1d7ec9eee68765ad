"""What several ways through the house have in common."""

import pytest

from tests.e2e.houses import House


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """The simulated city; nothing ever happens in its own house."""
    house = House(tmp_path_factory.mktemp("city") / "var")
    try:
        house.do("simulate", "up", "--cases", "1000")
        yield house
    finally:
        house.say("simulate", "down")
