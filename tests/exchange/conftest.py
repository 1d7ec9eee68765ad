"""A lane made by hand, a province that behaves as badly as a test asks, and both kinds of ledger.

The tests of a module that says `BOTH_LEDGERS = True` run on SQLite and on PostgreSQL.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.lane import Lane
from tests.exchange.receiver import Receiver
from wangting import ledger

_NUMBERS = count(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both ledgers for the modules that ask for them."""
    if getattr(metafunc.module, "BOTH_LEDGERS", False) and "home" in metafunc.fixturenames:
        metafunc.parametrize("ledger_kind", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def ledger_kind(request: pytest.FixtureRequest) -> str:
    """Which database the ledger is in."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def ledger_template(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the ledger's tables, to be copied: it is faster than making them for every test."""
    url = postgres.create()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGTING_HOME", str(tmp_path_factory.mktemp("template")))
        patch.setenv("WANGTING_LEDGER_URL", url)
        ledger.last_commit_seq()
        ledger.forget()
    return str(url.partition("@/")[2].partition("?")[0])


@pytest.fixture
def home(
    home: Path, ledger_kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """An empty home whose ledger is of the kind that the test runs on; on PostgreSQL a database of its own."""
    if ledger_kind == "postgresql":
        template, database = request.getfixturevalue("ledger_template"), f"ledger{next(_NUMBERS)}"
        server = request.getfixturevalue("postgres")
        server.run(server.url("postgres"), f"CREATE DATABASE {database} TEMPLATE {template}")
        monkeypatch.setenv("WANGTING_LEDGER_URL", server.url(database))
    yield home
    ledger.forget()


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
