"""A house of its own for each test module: fresh home, the city's declarations, a clock that stands still."""

from datetime import datetime

import pytest

from wangting import clock


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The home's folder."""
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGTING_HOME", str(folder / "var"))
        patch.delenv("WANGTING_SITE", raising=False)
        patch.delenv("WANGTING_LEDGER_URL", raising=False)
        clock.set_simulated(datetime(2017, 11, 30, 12))
        yield folder / "var"
