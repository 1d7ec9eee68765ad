"""Everything up by one command, at work, looked at, partly killed, repaired, and down without a trace."""

import contextlib
import json
import os
import socket
from pathlib import Path

import httpx
import pytest

from operation import processes
from operation.services import declared
from tests.e2e.city import City
from tests.house.tree import ROOT
from tests.servers import free_port, free_ports, wait_for

pytestmark = pytest.mark.e2e
SERVICES = declared()
# The first run of everything is `make run`'s, which has tests of its own.
AS_ASKED = ("--no-first-run",)
KEPT_UP = {name for name, service in SERVICES.items() if not service.is_once}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A small city with its first records landed, brought up whole; the systems tick every few seconds."""
    wanted = [service.port.setting for service in SERVICES.values() if service.port]
    ports = dict(zip(wanted, map(str, free_ports(len(wanted))), strict=True))
    made = City(
        tmp_path_factory.mktemp("up") / "var",
        **ports,
        WANGTING_TICK_SECONDS="5",
        WANGTING_TICK_MINUTES="10",
        WANGTING_RETRIES="1",
        WANGTING_RETRY_SECONDS="1",
    )
    made.environment.pop("WANGTING_SITE", None)
    try:
        made.run("simulate", "up", "--cases", "1000")
        made.run("pull")
        made.brought = made.run("up", *AS_ASKED)
        yield made
    finally:
        made.run("down")


@pytest.fixture(scope="module")
def airflow(house):
    """A client of Airflow's API, logged in by the password that stands where `up` says."""
    known = {each["name"]: each for each in house.brought["services"]}
    client = httpx.Client(base_url=known["airflow-api-server"]["address"], timeout=60)
    login = next(each for each in house.brought["logins"] if "Airflow" in each["system"])
    password = json.loads(Path(login["password"]).read_text("utf-8"))[login["user"]]
    answer = client.post("/auth/token", json={"username": login["user"], "password": password})
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client


def pids(house):
    return {
        name: json.loads((house.home / "operation" / f"{name}.process.json").read_text("utf-8"))["pid"]
        for name in KEPT_UP
    }


def of_this_home(home):
    """Every process on this machine that has the home in its command line, its folder or its environment."""
    found = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            about = b""
            for name in ("cmdline", "environ"):
                about += Path(entry.path, name).read_bytes()
            if str(home).encode() in about:
                found[int(entry.name)] = about[:300]
    return found


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path):
    port = free_port()
    house = City(tmp_path / "var", WANGTING_AIRFLOW_PORT=str(port))
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", port))
        somebody.listen()
        said = house.run("up", fails=True)
    assert str(port) in said["place"] and "Airflow" in said["error"]
    assert "WANGTING_AIRFLOW_PORT" in said["mend"]
    assert not (house.home / "operation").exists()
    said = City(tmp_path / "var", WANGTING_AIRFLOW_PORT="many").run("up", fails=True)
    assert said["place"] == "WANGTING_AIRFLOW_PORT"
    same = City(tmp_path / "var", WANGTING_AIRFLOW_PORT=str(port), WANGTING_ENTRANCE_PORT=str(port))
    assert "同一个端口" in same.run("up", fails=True)["error"]


def test_what_runs_is_what_the_compose_file_declares(house):
    for name, pid in pids(house).items():
        started = json.loads((house.home / "operation" / f"{name}.process.json").read_text("utf-8"))[
            "command"
        ]
        assert tuple(started[1:]) == SERVICES[name].command[1:], name
        assert Path(started[0]).name == SERVICES[name].command[0], name
        assert Path(f"/proc/{pid}/cwd").readlink() == ROOT


def test_everything_is_well_and_the_first_page_says_so(house):
    services = {each["name"]: each for each in house.brought["services"]}
    assert set(services) == KEPT_UP
    assert all(each["is_well"] for each in services.values())
    entrance = services["entrance"]["address"]

    def all_well():
        told = httpx.get(f"{entrance}/state", timeout=60).json()
        return told if {each["name"] for each in told["services"] if each["is_well"]} == KEPT_UP else None

    # A busy machine may let one of them answer late.
    told = wait_for("a page on which all is well", 60, all_well)
    page = httpx.get(entrance, timeout=60)
    for each in services.values():
        assert each["title"] in page.text
        assert each["address"] is None or each["name"] == "entrance" or each["address"] in page.text
    # It fetches nothing from elsewhere, and tells where a password stands, never a password.
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "://" not in page.text.replace("http://127.0.0.1:", "")
    for login in told["logins"]:
        assert login["password"] in page.text
    for login in told["logins"]:
        kept = Path(login["password"])
        assert kept.stat().st_mode & 0o077 == 0
        said = kept.read_text("utf-8").strip()
        secret = json.loads(said)[login["user"]] if said.startswith("{") else said
        assert secret not in page.text
        for log in (house.home / "logs").iterdir():
            assert secret not in log.read_text("utf-8", "replace"), log.name


def test_the_scheduler_builds_and_moves_the_release(house, airflow):
    releases = house.home / "releases" / "current"
    assert not releases.exists()
    # Nobody has to unpause anything.
    dag = "/api/v2/dags/warehouse__build"
    is_paused = wait_for("warehouse__build", 120, lambda: airflow.get(dag).json()["is_paused"])
    assert is_paused is False
    # And nobody has to ask: a fresh scheduler begins with the hour that has just gone.
    wait_for("a release", 480, lambda: (releases / "marts.duckdb").is_file() or None)
    runs = airflow.get(f"{dag}/dagRuns").json()["dag_runs"]
    assert runs and not [run for run in runs if run["state"] == "failed"]


def test_the_city_ticks_and_only_once(house):
    def clock():
        return json.loads((house.home / "clock.json").read_text("utf-8"))["now"]

    before = clock()
    wait_for("the city's clock", 60, lambda: True if clock() > before else None)
    said = house.run("simulate", "tick", fails=True)
    assert "ticking" in said["place"]


def test_up_again_starts_just_what_is_missing(house):
    before = pids(house)
    os.kill(before["entrance"], 9)
    os.kill(before["airflow-triggerer"], 9)
    wait_for(
        "their end", 10, lambda: None if any(processes._seen(before[n]) for n in ("entrance",)) else True
    )
    again = house.run("up", *AS_ASKED)
    assert all(each["is_well"] for each in again["services"])
    after = pids(house)
    assert {name for name in before if before[name] != after[name]} == {"entrance", "airflow-triggerer"}


def test_what_cannot_start_is_named_and_the_rest_stays(house, tmp_path):
    blocked = City(house.home)
    port = free_port()
    blocked.environment = house.environment | {
        "WANGTING_ENTRANCE_PORT": str(port),
        "WANGTING_ENTRANCE_LISTEN": "nowhere:1",
    }
    before = pids(house)
    os.kill(before["entrance"], 9)
    wait_for("its end", 10, lambda: None if processes._seen(before["entrance"]) else True)
    said = blocked.run("up", *AS_ASKED, fails=True)
    assert said["place"] == "entrance" and "首页" in said["error"] and "logs/entrance.log" in said["mend"]
    assert {name: pid for name, pid in before.items() if name != "entrance"}.items() <= (
        {name: pid for name, pid in before.items() if processes._seen(pid)}.items()
    )


def test_down_leaves_nothing_and_twice_is_as_good_as_once(house):
    assert of_this_home(house.home)
    assert "airflow-scheduler" in house.run("down")["stopped"]
    assert of_this_home(house.home) == {}
    assert house.run("down") == {"stopped": []}
    assert not list((house.home / "operation").iterdir())
