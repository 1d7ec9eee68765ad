"""Airflow connections, in both of Airflow's own forms, without Airflow."""

import json
import traceback

import pytest

from wangting import settings
from wangting.errors import WangtingError

URI = "https://me:s%40cret@province.example:8443/api?sign_secret=sg&note=n"
JSON = {
    "conn_type": "https",
    "login": "me",
    "password": "s@cret",
    "host": "province.example",
    "port": 8443,
    "schema": "api",
    "extra": {"sign_secret": "sg", "note": "n"},
}


@pytest.mark.parametrize(
    "form", [URI, json.dumps(JSON), json.dumps(JSON | {"extra": json.dumps(JSON["extra"])})]
)
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("PROVINCE_URL", "https://province.example:8443/api"),
        ("PROVINCE_TOKEN", "s@cret"),
        ("PROVINCE_LOGIN", "me"),
        ("PROVINCE_PASSWORD", "s@cret"),
        ("PROVINCE_SIGN_SECRET", "sg"),
        ("PROVINCE_NOTE", "n"),
    ],
)
def test_both_forms_hold_the_same(home, monkeypatch, form, name, wanted):
    monkeypatch.setenv("AIRFLOW_CONN_PROVINCE", form)
    assert settings.resolve(f"${{{name}}}", place="here") == wanted


def test_a_database_is_a_whole_address(home, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_FRONT_END", "postgres://hall:p%2Fw@db:5432/front")
    assert settings.resolve("${FRONT_END_URL}", place="here") == "postgresql://hall:p%2Fw@db:5432/front"


def test_the_environment_goes_before(home, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_PROVINCE", URI)
    monkeypatch.setenv("PROVINCE_TOKEN", "nearer")
    assert settings.resolve("${PROVINCE_TOKEN}", place="here") == "nearer"


def test_a_part_that_it_does_not_hold_is_not_set(home, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_PROVINCE", URI)
    with pytest.raises(WangtingError, match="没有设置环境变量 PROVINCE_OTHER"):
        settings.resolve("${PROVINCE_OTHER}", place="here")


@pytest.mark.parametrize(
    "form", ["{no json s@cret", "s@cret", '{"extra": "s@cret{"}', "https://x:s@cret@[bad"]
)
def test_one_that_cannot_be_read_is_named_and_never_shown(home, monkeypatch, form):
    monkeypatch.setenv("AIRFLOW_CONN_PROVINCE", form)
    with pytest.raises(WangtingError, match="AIRFLOW_CONN_PROVINCE】Airflow 连接的写法无法识别") as told:
        settings.resolve("${PROVINCE_TOKEN}", place="here")
    chain = told.value
    assert chain.__context__ is None and chain.__cause__ is None
    assert "s@cret" not in "".join(traceback.format_exception(chain))
