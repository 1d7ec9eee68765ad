"""The ledger's address: what is wrong with it is one sentence, without the password."""

import pytest

from wangting import ledger, ledger_connection
from wangting.errors import WangtingError


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+nodriver://u:secret@h/d", "无法识别"),
        ("postgresql+asyncpg2://u:secret@h/d", "无法识别"),
        ("mysql+pymysql://u:secret@h/d", "无法识别"),
        ("no address, but a secret", "无法识别"),
    ],
)
def test_an_address_that_cannot_be_is_refused_without_being_shown(home, monkeypatch, url, said):
    monkeypatch.setenv("WANGTING_LEDGER_URL", url)
    with pytest.raises(WangtingError, match=said) as caught:
        ledger.last_commit_seq()
    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_named(home, monkeypatch):
    def gone(*_, **__):
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setenv("WANGTING_LEDGER_URL", "postgresql://u:secret@h/other")
    monkeypatch.setattr(ledger_connection, "create_engine", gone)
    with pytest.raises(WangtingError, match="驱动 psycopg"):
        ledger.last_commit_seq()
