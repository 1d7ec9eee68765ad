"""A house whose commands are run as a user runs them: to their end, or killed on the way; all they say is kept."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.house.tree import ROOT

Moment = Callable[[int], bool]  # given the process's id: has it come so far?


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    command: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    @property
    def data(self) -> Any:
        """What it printed for `--json`."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one sentence on standard error: what, where, and how to mend it; exit code 1."""
        assert self.code == 1, f"{self.command}: exit {self.code}\n{self.out[-2000:]}\n{self.err[-2000:]}"
        lines = [line for line in self.err.splitlines() if line.strip()]
        assert len(lines) == 1 and lines[0].startswith("错误："), self.err[-3000:]
        sentence = lines[0].removeprefix("错误：")
        assert is_clear(sentence), sentence
        return sentence


def is_clear(sentence: str) -> bool:
    """Place, what is wrong, and the mend, in one Chinese sentence."""
    is_one = sentence.count("。") == 1 and sentence.endswith("。") and "Traceback" not in sentence
    return is_one and sentence.startswith("【") and "】" in sentence and "；" in sentence


class House:
    """A home of its own; its systems are named by the environment, as in a real city."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("WANGTING_", "PYTEST"))
        }
        self.environment = inherited | {"WANGTING_HOME": str(home)} | environment
        self.heard: list[Said] = []

    def start(self, *command: str, **environment: str | None) -> "Running":
        """Begin `wangting …` with `--json`; a variable that is None is not set."""
        wanted = {**self.environment, **environment}
        return Running(self, command, {name: value for name, value in wanted.items() if value is not None})

    def say(self, *command: str, **environment: str | None) -> Said:
        """Run `wangting …` with `--json` to its end."""
        return self.start(*command, **environment).end()

    def do(self, *command: str, **environment: str | None) -> Any:
        """Run `wangting …`, which must succeed, and return its data."""
        said = self.say(*command, **environment)
        assert said.code == 0, f"{command}: exit {said.code}\n{said.out[-2000:]}\n{said.err[-3000:]}"
        return said.data

    def kill(self, *command: str, at: Moment, after: float = 0.0) -> bool:
        """Run a command and SIGKILL it `after` seconds after the moment; whether it was still at work."""
        running = self.start(*command)
        running.wait_for(at)
        time.sleep(after)
        running.process.kill()
        return running.end().code == -signal.SIGKILL

    def ledger(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the ledger."""
        with closing(sqlite3.connect(self.home / "ledger.sqlite", timeout=60)) as connection:
            return connection.execute(query).fetchall()

    def set_clock_as(self, other: Path) -> None:
        """The same simulated time as in another home."""
        shutil.copy(other / "clock.json", self.home / "clock.json")

    # ---- how far a command has come ------------------------------------------------------------------------

    def locks_taken(self, pattern: str, count: int = 1) -> Moment:
        """It has taken so many locks."""

        def is_so(pid: int) -> bool:
            owners = [file.read_text("utf-8") for file in (self.home / "locks").glob(f"{pattern}.lock")]
            return sum(f'"pid": {pid},' in owner for owner in owners) >= count

        return is_so

    def nodes_begun(self, lane: str, count: int) -> Moment:
        """dbt has begun so many models and tests."""
        log = self.home / "dbt" / lane / "logs" / "dbt.log"
        before = log.stat().st_size if log.exists() else 0

        def is_so(_pid: int) -> bool:
            if not log.exists():
                return False
            with log.open("rb") as file:
                file.seek(before)
                return file.read().count(b" START ") >= count

        return is_so

    def written(self, pattern: str) -> Moment:
        """A file or folder that was not there before has appeared under the home."""
        before = set(self.home.glob(pattern))
        return lambda _pid: bool(set(self.home.glob(pattern)) - before)

    def counted(self, query: str, count: int) -> Moment:
        """A count in the ledger has grown so far."""
        return lambda _pid: self.ledger(query)[0][0] >= count


class Running:
    """A command on its way."""

    def __init__(self, house: House, command: tuple[str, ...], environment: dict[str, str]) -> None:
        self._house, self._command = house, command
        self._out = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by `end`
        self._err = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wangting.cli", *command, "--json"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
        )

    def wait_for(self, at: Moment) -> bool:
        """Wait until it has come so far; False where it ended before."""
        while self.process.poll() is None:
            if at(self.process.pid):
                return True
            time.sleep(0.004)
        return False

    def end(self) -> Said:
        """Wait for its end; what it said."""
        code = self.process.wait()
        seconds = time.monotonic() - self._began
        texts = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read())
            file.close()
        said = Said(self._command, code, *texts, seconds)
        self._house.heard.append(said)
        return said


def connections(home: Path) -> dict[str, str]:
    """How to reach the systems of the city simulated in `home`."""
    return dict(json.loads((home / "simulator" / "connections.json").read_text("utf-8")))


def province_holds(known: dict[str, str]) -> dict[tuple[str, str, int], dict[str, str]]:
    """(record type, key, version) → fields of everything that the province says it holds, by its own pages."""
    found: dict[tuple[str, str, int], dict[str, str]] = {}
    page, total = 1, 1
    token = {"Authorization": f"Bearer {known['PROVINCE_TOKEN']}"}
    with httpx.Client(base_url=known["PROVINCE_URL"], headers=token, timeout=60) as client:
        while (page - 1) * 5000 < total:
            answer = client.get("/records", params={"page": page, "size": 5000}).json()
            total = answer["total"]
            for row in answer["data"]:
                name = (row["tableName"], row["identify"], int(row["version"]))
                assert name not in found, f"{name} is there twice"
                found[name] = row["fields"]
            page += 1
    return found


def secrets(known: dict[str, str]) -> set[str]:
    """The passwords, client secrets and tokens among connections."""
    found = {urlsplit(value).password or "" for value in known.values()}
    found |= {value for name, value in known.items() if name.endswith(("_SECRET", "_TOKEN"))}
    return found - {""}


def files_with(home: Path, words: set[str]) -> list[tuple[str, str]]:
    """(file, word) for every file of a home that holds one of the words, the simulator's own files left out."""
    found = []
    for file in home.rglob("*"):
        name = file.relative_to(home)
        if file.is_file() and name.parts[0] != "simulator":
            content = file.read_bytes()
            found += [(str(name), word) for word in words if word.encode() in content]
    return found


def left_behind(home: Path) -> list[str]:
    """What a command that was killed leaves on its way and the next must clear: drafts, parts, hidden folders."""
    hidden = [
        path for path in home.rglob("*") if path.name.startswith(".") or path.suffix in (".part", ".new")
    ]
    return sorted(str(path.relative_to(home)) for path in hidden if "simulator" not in path.parts)


class SmallDisk:
    """A disk of its own in memory, which can be filled but for some kilobytes and emptied again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, *, but: int) -> None:
        """Leave room for `but` kilobytes."""
        self.clear()
        room = os.statvfs(self.folder)
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - but * 1024)

    def clear(self) -> None:
        """Make room again."""
        self._filler.unlink(missing_ok=True)


def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk | None]:
    """Mount one, or None where this user may not; unmounted at the end."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        is_mounted = False
    try:
        yield SmallDisk(folder) if is_mounted else None
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def city_in_this_process(home: Path) -> Iterator[Path]:
    """A new home for this very process, on the default site; the servers of its city end with it."""
    home.mkdir(mode=0o700)
    before = dict(os.environ)
    os.environ["WANGTING_HOME"] = str(home)
    os.environ.pop("WANGTING_SITE", None)
    try:
        yield home
    finally:
        from simulator.commands import _stop_parts

        _stop_parts(home)
        os.environ.clear()
        os.environ.update(before)
