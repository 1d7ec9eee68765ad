"""The three HTTP services, as a connector meets them: tokens, pages, changing files, bad days."""

import json
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulator import services

START = datetime(2017, 3, 1, 8)


def item(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "item_code": f"10131300500698857413445{number:03d}",
        "item_version": 1,
        "item_name": f"事项{number}",
        "parent_item_code": None,
        "is_online": True,
        "online_depth": 3,
        "valid_from": date(2016, 1, 1),
        "valid_to": None,
        # Four rows share each moment of change, so that pages must cut through equal times.
        "updated_at": START + timedelta(minutes=number // 4),
        "generator_note": "不对外",
    }
    return row | changes


def write(home: Path, name: str, rows: list[dict[str, Any]]) -> None:
    folder = home / "simulator" / "emitted"
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{name}.draft"
    pq.write_table(pa.Table.from_pylist(rows), draft)
    draft.replace(folder / f"{name}.parquet")


class Client:
    """A connector's view of one service."""

    def __init__(self, connections: dict[str, str], name: str, path: str) -> None:
        self.http = httpx.Client(trust_env=False, timeout=5)
        self.url, self.path = connections[f"{name}_URL"], path
        self.client = {
            "client_id": connections[f"{name}_CLIENT_ID"],
            "client_secret": connections[f"{name}_CLIENT_SECRET"],
        }
        self.token = "none"

    def log_in(self) -> int:
        answer = self.http.post(f"{self.url}/token", json=self.client).raise_for_status().json()
        self.token = answer["access_token"]
        return int(answer["expires_in"])

    def get(self, **asked: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.get(f"{self.url}{self.path}", params=asked, headers=headers)

    def everything(self, size: int, **asked: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in range(1, 1000):
            data = self.get(page=page, size=size, **asked).raise_for_status().json()["data"]
            if not data:
                break
            rows.extend(data)
        return rows

    def misbehave(self, **faults: Any) -> None:
        self.http.post(f"{self.url}/misbehave", json=faults).raise_for_status()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("services")
    (folder / "clock.json").write_text(json.dumps({"now": "2017-12-01T09:00:00"}), "utf-8")
    write(folder, "items", [item(number) for number in reversed(range(50))])
    yield folder
    services.stop(folder)


@pytest.fixture
def catalogue(home: Path) -> Iterator[Client]:
    client = Client(services.start(home), "ITEM_CATALOGUE", "/items")
    assert client.log_in() == 600
    yield client
    client.misbehave(clear=True)
    client.http.close()


def test_pages_are_stable_and_complete(catalogue: Client) -> None:
    first = catalogue.get(page=1, size=7).json()
    assert (first["total"], first["page"], first["size"], len(first["data"])) == (50, 1, 7, 7)
    assert first["data"][0] == {
        "item_code": "10131300500698857413445000",
        "item_version": 1,
        "item_name": "事项0",
        "parent_item_code": None,
        "is_online": True,
        "online_depth": 3,
        "valid_from": "2016-01-01",
        "valid_to": None,
        "updated_at": "2017-03-01T08:00:00",
    }
    codes = [row["item_code"] for row in catalogue.everything(size=7)]
    assert codes == sorted(codes)
    assert len(set(codes)) == 50
    assert catalogue.get(page=9, size=7).json()["data"] == []


def test_updated_after_is_inclusive(catalogue: Client) -> None:
    moment = (START + timedelta(minutes=10)).isoformat()
    rows = catalogue.everything(size=3, updated_after=moment)
    assert len(rows) == 10
    assert rows[0]["updated_at"] == moment
    assert catalogue.get(updated_after="2018-01-01T00:00:00").json() == {
        "total": 0,
        "page": 1,
        "size": 500,
        "data": [],
    }
    for bad in (
        {"updated_after": "gestern"},
        {"updated_after": f"{moment}+08:00"},
        {"page": 0},
        {"size": "x"},
    ):
        assert catalogue.get(**bad).status_code == 400


def test_a_rewritten_file_is_seen_and_a_missing_one_is_empty(home: Path, catalogue: Client) -> None:
    write(home, "items", [item(number) for number in range(50)] + [item(7, item_version=2)])
    assert catalogue.get().json()["total"] == 51
    write(home, "items", [item(number) for number in range(50)])
    assert catalogue.get().json()["total"] == 50
    licences = Client(services.start(home), "ELICENCE", "/licences")
    licences.log_in()
    assert licences.get().json()["total"] == 0
    row = {"licence_no": "A1", "issued_at": START, "status": "valid", "updated_at": START}
    write(home, "licences", [row])
    assert licences.get().json()["data"][0]["issued_at"] == "2017-03-01T08:00:00"


def test_each_service_knows_only_its_own_client(home: Path, catalogue: Client) -> None:
    identity = Client(services.start(home), "IDENTITY", "/accounts")
    identity.token = catalogue.token
    assert identity.get().status_code == 401
    identity.client = catalogue.client
    answer = identity.http.post(f"{identity.url}/token", json=identity.client)
    assert (answer.status_code, answer.json()["message"]) == (401, "客户端标识或密钥错误")
    assert identity.http.post(f"{identity.url}/token", content=b"no").status_code == 401


def test_a_token_expires(tmp_path: Path) -> None:
    write(tmp_path, "items", [item(1)])
    client = Client(services.start(tmp_path, expires_in=1), "ITEM_CATALOGUE", "/items")
    try:
        assert client.get().status_code == 401
        assert client.log_in() == 1
        assert client.get().status_code == 200
        time.sleep(1.1)
        assert (client.get().status_code, client.get().json()["error"]) == (401, "invalid_token")
        client.log_in()
        assert client.get().status_code == 200
    finally:
        assert services.stop(tmp_path)
    assert not services.is_running(tmp_path)


def test_bad_days_can_be_switched_on_and_off(catalogue: Client) -> None:
    catalogue.misbehave(not_json_page=2)
    assert catalogue.get(page=1, size=10).json()["total"] == 50
    with pytest.raises(ValueError, match="Expecting value"):
        catalogue.get(page=2, size=10).json()
    catalogue.misbehave(clear=True, missing_column="online_depth")
    assert "online_depth" not in catalogue.get(page=2, size=10).json()["data"][0]
    catalogue.misbehave(clear=True, wrong_type="online_depth")
    assert catalogue.get().json()["data"][0]["online_depth"] == "类型不符"
    catalogue.misbehave(status=503)
    assert catalogue.get().status_code == 503
    catalogue.misbehave(clear=True)
    assert catalogue.get().json()["data"][0]["online_depth"] == 3
    assert catalogue.http.post(f"{catalogue.url}/misbehave", json={"x": 1}).status_code == 400


def test_a_restart_keeps_address_and_secrets(tmp_path: Path) -> None:
    first = services.start(tmp_path)
    assert services.start(tmp_path) == first
    services.stop(tmp_path)
    try:
        assert services.start(tmp_path) == first
    finally:
        services.stop(tmp_path)
