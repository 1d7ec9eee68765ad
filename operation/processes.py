"""Starting a process that outlives its command, finding it again, ending it and all that it started.

Every process leads a session of its own and carries a random mark in its environment, which its children inherit; a
file in the home's `operation` folder has number, start and mark. So nobody else's process is ever ended, and of ours
none is missed, also not one whose parent was killed.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wangting import settings

MARK = "WANGTING_PROCESS"
PATIENCE = (
    30.0  # seconds that a process has to end by itself: a task on its way writes down how far it has come
)
_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self" / "stat").exists()

_children: dict[int, "subprocess.Popen[bytes]"] = {}


@dataclass(frozen=True)
class Running:
    """What is known of a process that was started: its service, its number, when it started, its mark."""

    service: str
    pid: int
    started: str
    mark: str


def log_file(service: str) -> Path:
    """Where a service's process writes all that it says."""
    return settings.home() / "logs" / f"{service}.log"


def _note(service: str) -> Path:
    return settings.home() / "operation" / f"{service}.process.json"


def start(
    service: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, *, shown: bool = False
) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own, its output appended to the service's log.

    Args:
        shown: what it prints is for whoever waits, and goes to this command's standard error instead; its errors still
            go to the log.
    """
    mark = secrets.token_hex(16)
    log = log_file(service)
    for made in (log.parent, _note(service).parent):
        made.mkdir(mode=0o700, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr if shown else output,
            stderr=output,
            cwd=folder,
            env={**environment, MARK: mark},
            start_new_session=True,
        )
    _children[child.pid] = child
    draft = _note(service).with_suffix(".new")
    seen = _seen(child.pid)
    about = {
        "pid": child.pid,
        "started": seen.started if seen else "",
        "mark": mark,
        "command": list(command),
    }
    draft.write_text(json.dumps(about), "utf-8")
    draft.replace(_note(service))
    return child


def started(service: str) -> Running | None:
    """What was last started for a service and not ended since, whether or not it still lives."""
    try:
        note: dict[str, Any] = json.loads(_note(service).read_text("utf-8"))
        return Running(service, int(note["pid"]), str(note["started"]), str(note["mark"]))
    except (FileNotFoundError, ValueError, KeyError):
        return None


def running(service: str) -> Running | None:
    """The process of a service, if it lives."""
    known = started(service)
    return known if known is not None and _lives(known) else None


def noted() -> list[str]:
    """Every service of which a process has been started here and not ended since."""
    suffix = ".process.json"
    folder = settings.home() / "operation"
    return sorted(file.name.removesuffix(suffix) for file in folder.glob(f"*{suffix}"))


def ask(service: str) -> None:
    """Ask a service's process to end, without waiting for it."""
    known = running(service)
    if known is not None:
        _signal(known.pid, signal.SIGTERM)


def end(service: str, patience: float = PATIENCE, *, is_asked: bool = False) -> bool:
    """End a service's process and everything that it started; True where anything of it was alive.

    The process itself is asked first, unless it has been; what lives after `patience` seconds is killed.
    """
    known = started(service)
    if known is None:
        return False
    was_alive = bool(_belonging(known))
    if _lives(known):
        if not is_asked:
            _signal(known.pid, signal.SIGTERM)
        _wait(lambda: not _lives(known), patience)
    for number, seconds in ((signal.SIGTERM, patience / 6), (signal.SIGKILL, patience)):
        for pid in _belonging(known):
            _signal(pid, number)
        if _wait(lambda: not _belonging(known), seconds):
            break
    _note(service).unlink(missing_ok=True)
    return was_alive


def _wait(until: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


@dataclass(frozen=True)
class _Seen:
    """A living process: when it started (the machine's own words) and which session it belongs to."""

    started: str
    session: int


def _seen(pid: int) -> _Seen | None:
    """A process as the machine has it now; None where it has ended, also where only its number is left (a zombie)."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        return None
    if _HAS_PROC:
        try:
            fields = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else _Seen(fields[19], int(fields[3]))
    shown = subprocess.run(
        ["ps", "-o", "stat=,pgid=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=2)
    if len(shown) < 3 or shown[0].startswith("Z"):
        return None
    return _Seen(shown[2].strip(), int(shown[1]))


def _lives(known: Running) -> bool:
    seen = _seen(known.pid)
    return seen is not None and seen.started == known.started


def _everything() -> list[int]:
    if _HAS_PROC:
        return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    listed = subprocess.run(["ps", "-ax", "-o", "pid="], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def _belonging(known: Running) -> list[int]:
    """Every living process of a service: the one that was started and what it started in turn.

    They are of its session, or have its mark. Airflow overwrites its environment with a title, so the mark alone
    would not do; a child that opens a session of its own has the mark. A number of a session is not given again while
    anybody belongs to it; where somebody else leads it now, it is somebody else's.
    """
    leader = _seen(known.pid)
    is_ours = leader is None or leader.started == known.started
    found = []
    for pid in _everything():
        seen = _seen(pid) if pid != os.getpid() else None
        if seen is not None and ((is_ours and seen.session == known.pid) or _carries(pid, known.mark)):
            found.append(pid)
    return found


def _carries(pid: int, mark: str) -> bool:
    if not _HAS_PROC:
        return False
    try:
        return f"{MARK}={mark}".encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def last_words(service: str, since: int = 0, lines: int = 12) -> str:
    """The end of a service's log, of what it said after `since` bytes."""
    try:
        with log_file(service).open("rb") as file:
            file.seek(since)
            said = file.read().decode("utf-8", "replace").strip().splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(said[-lines:])
