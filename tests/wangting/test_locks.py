"""One writer a file, who is named to the next."""

import subprocess
import sys

import pytest

from wangting import locks
from wangting.errors import WangtingError

HOLD = """
import sys
from wangting import locks
with locks.writer("warehouse"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(home):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_writer_is_told_who_is_at_it(other):
    with pytest.raises(WangtingError, match=str(other.pid)), locks.writer("warehouse"):
        pass


def test_a_writer_that_was_killed_leaves_no_lock(other):
    other.kill()
    other.wait()
    with locks.writer("warehouse"):
        pass


def test_another_file_is_free(other):
    with locks.writer("exchange"):
        pass
