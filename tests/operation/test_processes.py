"""A process that was started here is found again and ended with all that it started; nobody else's is."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from operation import processes

# Starts a child of its session, and one that opens a session of its own; then waits.
PARENT = """
import subprocess, sys, time
child = [sys.executable, "-c", "import time; time.sleep(300)"]
print(subprocess.Popen(child).pid, subprocess.Popen(child, start_new_session=True).pid, flush=True)
time.sleep(300)
"""


def alive(pid):
    seen = processes._seen(pid)
    return seen is not None


@pytest.fixture
def family(home, tmp_path):
    child = processes.start("parent", [sys.executable, "-c", PARENT], os.environ, tmp_path)
    deadline = time.monotonic() + 30
    while not processes.last_words("parent") and time.monotonic() < deadline:
        time.sleep(0.05)
    yield child.pid, *map(int, processes.last_words("parent").split())
    processes.end("parent")


def test_what_was_started_is_ended_with_its_children(family):
    assert processes.running("parent").pid == family[0]
    assert processes.noted() == ["parent"]
    assert processes.end("parent", patience=5)
    assert not any(map(alive, family))
    assert processes.noted() == []
    assert not processes.end("parent")


def test_children_of_a_process_that_was_killed_are_ended_too(family):
    os.kill(family[0], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while processes.running("parent") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes.running("parent") is None and all(map(alive, family[1:]))
    assert processes.end("parent", patience=5)
    assert not any(map(alive, family))


def test_somebody_else_who_got_the_number_is_left_alone(family, home):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    note = home / "operation" / "parent.process.json"
    before = note.read_text("utf-8")
    try:
        note.write_text(
            json.dumps(json.loads(before) | {"pid": other.pid, "mark": "of a process long gone"}), "utf-8"
        )
        assert processes.running("parent") is None
        assert not processes.end("parent", patience=1)
        assert other.poll() is None
    finally:
        note.write_text(before, "utf-8")
        other.kill()
        other.wait()
