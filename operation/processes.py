"""Starting a process that outlives its command, finding it again, ending it and all that it started.

Every process carries a random mark in its environment, which its children inherit; beside the home's logs stands a
file with mark and process id. So nobody else's process is ever ended, and of ours none is missed: also not one whose
parent was killed.
"""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wangting import settings

MARK = "WANGTING_PROCESS"
PATIENCE = (
    30.0  # seconds that a process has to end by itself: a task on its way writes down how far it has come
)
_PROC = Path("/proc")

_children: dict[int, "subprocess.Popen[bytes]"] = {}


@dataclass(frozen=True)
class Running:
    """What is known of a process that was started: its service, its id, its mark."""

    service: str
    pid: int
    mark: str


def log_file(service: str) -> Path:
    """Where a service's process writes all that it says."""
    return settings.home() / "logs" / f"{service}.log"


def _note(service: str) -> Path:
    return settings.home() / "operation" / f"{service}.process.json"


def start(
    service: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own, its output appended to the service's log."""
    mark = secrets.token_hex(16)
    log = log_file(service)
    for made in (log.parent, _note(service).parent):
        made.mkdir(mode=0o700, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env={**environment, MARK: mark},
            start_new_session=True,
        )
    _children[child.pid] = child
    draft = _note(service).with_suffix(".new")
    draft.write_text(json.dumps({"pid": child.pid, "mark": mark}), "utf-8")
    draft.replace(_note(service))
    return child


def started(service: str) -> Running | None:
    """What was last started for a service and not ended since, whether or not it still lives."""
    try:
        note: dict[str, Any] = json.loads(_note(service).read_text("utf-8"))
        return Running(service, int(note["pid"]), str(note["mark"]))
    except (FileNotFoundError, ValueError, KeyError):
        return None


def running(service: str) -> Running | None:
    """The process of a service, if it lives."""
    known = started(service)
    return known if known is not None and _lives(known.pid, known.mark) else None


def noted() -> list[str]:
    """Every service of which a process has been started here and not ended since."""
    suffix = ".process.json"
    folder = settings.home() / "operation"
    return sorted(file.name.removesuffix(suffix) for file in folder.glob(f"*{suffix}"))


def end(service: str, patience: float = PATIENCE) -> bool:
    """End a service's process and everything that it started; True where anything of it was alive.

    The process itself is asked first; what lives after `patience` seconds is killed.
    """
    known = started(service)
    if known is None:
        return False
    was_alive = bool(list(_marked(known)))
    if _lives(known.pid, known.mark):
        _signal(known.pid, signal.SIGTERM)
        _wait(lambda: not _lives(known.pid, known.mark), patience)
    for number, seconds in ((signal.SIGTERM, patience / 6), (signal.SIGKILL, patience)):
        for pid in _marked(known):
            _signal(pid, number)
        if _wait(lambda: not list(_marked(known)), seconds):
            break
    _note(service).unlink(missing_ok=True)
    return was_alive


def _wait(until: Any, seconds: float) -> bool:
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


def _reaped(pid: int) -> bool:
    """Whether it was a child of this very process and has ended: no zombie shall look alive."""
    child = _children.get(pid)
    return child is not None and child.poll() is not None


def _lives(pid: int, mark: str) -> bool:
    return not _reaped(pid) and _carries(pid, mark)


def _carries(pid: int, mark: str) -> bool:
    word = f"{MARK}={mark}"
    if (_PROC / "self" / "environ").exists():
        try:
            is_zombie = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[
                0
            ] == "Z"
            return not is_zombie and word.encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            return False
    shown = subprocess.run(
        ["ps", "-Eww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return word in shown.stdout.split()


def _marked(known: Running) -> Iterator[int]:
    """Every living process with the mark: the one that was started and what it started in turn."""
    if (_PROC / "self" / "environ").exists():
        pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    else:
        listed = subprocess.run(
            ["ps", "-ax", "-o", "pid=,pgid="], capture_output=True, text=True, check=False
        )
        pairs = [line.split() for line in listed.stdout.splitlines()]
        pids = [int(pid) for pid, group in pairs if int(group) == known.pid]
    for pid in pids:
        if pid != os.getpid() and not _reaped(pid) and _carries(pid, known.mark):
            yield pid


def last_words(service: str, since: int = 0, lines: int = 12) -> str:
    """The end of a service's log, of what it said after `since` bytes."""
    try:
        with log_file(service).open("rb") as file:
            file.seek(since)
            said = file.read().decode("utf-8", "replace").strip().splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(said[-lines:])
