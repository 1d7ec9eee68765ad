"""A new release while twenty clients ask through Superset: no lock, and no answer of one that is no longer out."""

import threading
import time

import pytest

from tests.dashboards import small_bundle
from tests.dashboards.running import Superset
from tests.wangting.test_publish import built
from wangting import publish

CLIENTS = 20
# In service a release comes every minute; here the next comes as soon as somebody has been told the last from memory.
RELEASES = 8


@pytest.fixture
def served(home, monkeypatch):
    """A Superset with as many processes and threads as in service, over releases that hold one number."""
    monkeypatch.setattr(small_bundle, "DATASETS", {"figures": {"open": True}})
    monkeypatch.setattr(small_bundle, "DASHBOARDS", {"figures": ["figures"]})
    built(1)
    publish.publish()
    superset = Superset(
        home, environment={"WANGTING_SUPERSET_WORKERS": "2", "WANGTING_SUPERSET_THREADS": "8"}
    )
    bundle = small_bundle.write(home / "assets", publish.require_release())
    superset.bootstrap(bundle, "--user", "reader=市级")
    superset.start()
    yield superset
    superset.stop()


def test_twenty_clients_are_told_what_is_out_and_nothing_fails(home, served):
    reader = served.log_in("reader")
    source = reader.get("/api/v1/dataset/").json()["result"][0]["id"]
    out, told, faults, enough = [1], [], [], threading.Event()
    from_memory = []

    def ask():
        while not enough.is_set():
            before = out[0]
            answer = reader.chart_data(source, columns=["number"], metrics=[])
            if answer.status_code != 200:
                faults.append(answer.text[:300])
                return
            result = answer.json()["result"][0]
            ((number,),) = [tuple(row.values()) for row in result["data"]]
            told.append(number)
            if result["is_cached"]:
                from_memory.append(number)
            if number < before:
                faults.append(f"release {before} was out, {number} was told")

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for number in range(2, RELEASES + 2):
            built(number)
            assert publish.publish().is_new
            out[0] = number
            deadline = time.monotonic() + 60
            while number not in from_memory and not faults and time.monotonic() < deadline:
                time.sleep(0.05)
    finally:
        enough.set()
        for client in clients:
            client.join(120)
    assert faults == []
    assert set(told) >= set(range(2, RELEASES + 2))
    # What is kept of an answer is told again while its release is out, and only then.
    assert set(from_memory) >= set(range(2, RELEASES + 2))
    # A release that is no longer out is let go without being asked for again.
    deadline, number = time.monotonic() + 30, RELEASES + 1
    while True:
        number += 1
        built(number)
        publish.publish()
        kept = [path for path in (home / "releases").iterdir() if not path.is_symlink()]
        if len(kept) == publish.KEPT or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert len(kept) == publish.KEPT
