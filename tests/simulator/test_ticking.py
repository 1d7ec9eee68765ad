"""A city that moves on by itself, until it is asked to stop."""

import json
import signal
import subprocess
import sys
import time

from tests.e2e.city import City


def ticking(city, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "wangting.cli", "simulate", "tick", "--json"],
        env=city.environment | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def heard(city, steps, process):
    """The heartbeat, once so many steps are made."""
    file = city.home / "operation" / "city.json"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if file.exists() and (told := json.loads(file.read_text("utf-8")))["steps"] >= steps:
            return told
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    raise AssertionError(f"{steps} steps: not within two minutes")


def stopped(process):
    process.send_signal(signal.SIGTERM)
    out, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return json.loads(out)


def test_a_city_is_made_moves_on_and_takes_its_servers_with_it(tmp_path):
    city = City(tmp_path / "var", WANGTING_SIMULATED_CASES="1000")
    process = ticking(city, WANGTING_TICK_SECONDS="0.5", WANGTING_TICK_MINUTES="90")
    try:
        heard(city, 2, process)
        assert city.run("simulate", "status")["services"] is True
        # Nobody else moves it at the same time, and nobody makes it tick twice as fast.
        assert city.run("simulate", "tick", fails=True)["place"] == "写锁 ticking"
        ended = stopped(process)
    finally:
        process.kill()
        process.wait()
    assert ended["steps"] >= 2
    assert ended["clock"] == f"2017-11-30T{18 + ended['steps'] * 3 // 2:02}:{30 * (ended['steps'] % 2):02}:00"
    assert not (city.home / "operation" / "city.json").exists()
    assert city.run("simulate", "down")["stopped"] == []


def test_a_city_that_was_up_before_stays_up(tmp_path):
    city = City(tmp_path / "var")
    city.run("simulate", "up", "--cases", "1000", "--seed", "3")
    try:
        # Its own size and seed count, not those of a city yet to be made.
        process = ticking(city, WANGTING_TICK_SECONDS="600", WANGTING_SIMULATED_CASES="5000")
        try:
            assert heard(city, 0, process)["clock"] == "2017-11-30T18:00:00"
            stopped(process)
        finally:
            process.kill()
            process.wait()
        assert city.run("simulate", "status")["services"] is True
    finally:
        assert "services" in city.run("simulate", "down")["stopped"]


def test_a_city_that_was_stopped_comes_up_again_as_it_was_and_never_as_another(tmp_path):
    city = City(tmp_path / "var")
    try:
        city.run("simulate", "up", "--cases", "1000", "--seed", "3")
        city.run("simulate", "down")
        again = city.run("simulate", "up")
        assert (again["created"], again["cases"], again["seed"]) == (False, 1000, 3)
        refused = city.run("simulate", "up", "--cases", "2000", fails=True)
        assert "办件 1000，种子 3" in refused["error"]
    finally:
        city.run("simulate", "down")
