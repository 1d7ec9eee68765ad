"""A new release while many read: nobody meets a lock, nobody is told what was true before, nothing piles up."""

import subprocess
import sys
import textwrap
import time

import duckdb
import pytest

from tests.wangting.test_publish import built, read
from wangting import publish

# In service a release comes every minute; here as fast as one can be made, which is harder.
RELEASES = 15
PROCESSES, THREADS = 4, 5  # 20 clients, several in a process, as in a web server

# Opens by path for every question, as Superset does (no pool). Before it asks, it reads which release is out.
CLIENT = textwrap.dedent("""
    import sys, threading, duckdb
    from pathlib import Path
    home, threads = Path(sys.argv[1]), int(sys.argv[2])
    answers, faults = [0], []
    def ask():
        while not (home / "enough").exists():
            out = int((home / "out").read_text())
            try:
                con = duckdb.connect(str(home / "releases" / "current" / "marts.duckdb"), read_only=True)
                told = con.execute("select max(number), min(number) from figures").fetchone()
                con.close()
            except Exception as error:
                faults.append(repr(error))
                continue
            answers[0] += 1
            if told[0] < out or told[0] != told[1]:
                faults.append(f"release {out} was out, {told} was told")
    every = [threading.Thread(target=ask) for _ in range(threads)]
    [one.start() for one in every]
    [one.join() for one in every]
    print(answers[0])
    sys.exit("\\n".join(faults[:5]) if faults else 0)
""")


@pytest.fixture
def announced(home):
    """Publish a build and only then say that it is out; the note is replaced in one step."""

    def out(number):
        built(number)
        assert publish.publish().is_new
        draft = home / "out.new"
        draft.write_text(str(number))
        draft.replace(home / "out")

    out(1)
    return out


def releases(home):
    return {path.name for path in (home / "releases").iterdir() if not path.is_symlink()}


def test_twenty_readers_meet_no_lock_and_no_answer_of_before_while_releases_change(home, announced):
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(home), str(THREADS)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]
    try:
        for number in range(2, RELEASES + 2):
            announced(number)
            time.sleep(0.1)
    finally:
        (home / "enough").touch()
        ended = [client.communicate(timeout=60) for client in clients]
    assert [error.decode() for _, error in ended if error] == []
    # Every client process came to ask more often than there were releases, or the test would show little.
    assert all(int(out) > RELEASES for out, _ in ended)
    announced(RELEASES + 2)
    assert len(releases(home)) == publish.KEPT


def test_a_release_goes_only_once_nobody_has_it_open(home, announced):
    oldest = releases(home)
    holding = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True); print(1, flush=True);"
            "input(); print(con.execute('select number from figures').fetchone()[0])",
            str(publish.require_release()),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holding.stdout.readline() == "1\n"
        for number in range(2, 8):
            announced(number)
        assert oldest < releases(home)
        assert len(releases(home)) == publish.KEPT + 1
        # Its file is still where it was: also somebody who opens it a second time finds it.
        with duckdb.connect(home / "releases" / oldest.pop() / "marts.duckdb", read_only=True) as con:
            assert con.execute("select number from figures").fetchone() == (1,)
        told, _ = holding.communicate("\n", timeout=30)
        assert told == "1\n"
    finally:
        holding.kill()
        holding.wait()
    announced(8)
    assert len(releases(home)) == publish.KEPT
    assert read() == 8
