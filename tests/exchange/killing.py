"""Stages in processes of their own, killed at a line of their code: `python -m tests.exchange.killing` forks them.

The parent of them all has everything imported and has never worked itself, so a fork is whole and costs milliseconds.
How far a stage has come is counted in executed lines of `exchange` and `wangting`, so a slow machine changes nothing;
a pause of some milliseconds after the line lets the kill fall into the middle of a write, a commit or an answer too.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OURS = tuple(f"{ROOT / room}{os.sep}" for room in ("exchange", "wangting"))


@dataclass(frozen=True)
class Ended:
    """How a stage ended.

    Attributes:
        killed: by us, at the line that was asked for.
        summary: what it returned. refused: the sentence for people that it ended with. crash: any other error.
        lines: how many it executed. firsts: at which of them a line was executed for the first time.
        seconds: of processor time.
    """

    killed: bool
    summary: dict[str, Any]
    refused: str | None
    crash: str | None
    lines: int
    firsts: list[int]
    seconds: float


class Stages:
    """Runs stages, one at a time."""

    def __enter__(self) -> "Stages":
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seconds = 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait(30)

    def begin(
        self, stage: str, *, line: int = 0, pause: float = 0.0, room: int = 0, patience: int = 0
    ) -> None:
        """Let a stage begin; what the environment says now holds for it.

        Args:
            line: kill it at this line of its own (0: do not). pause: and so many seconds later.
            room: bytes that no file may exceed (0: any). patience: seconds that it waits for the ledger (0: as ever).
        """
        order = {"stage": stage, "line": line, "pause": pause, "room": room, "patience": patience}
        self._process.stdin.write(json.dumps(order | {"environment": dict(os.environ)}) + "\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]

    def end(self) -> Ended:
        """Wait for it."""
        answer = self._process.stdout.readline()  # type: ignore[union-attr]
        assert answer, "the parent of all stages is gone"
        found = Ended(**json.loads(answer))
        self.seconds += found.seconds
        assert found.crash is None, found.crash
        return found

    def run(self, stage: str, **how: Any) -> Ended:
        """Both."""
        self.begin(stage, **how)
        return self.end()


def _stage(name: str) -> dict[str, Any]:
    from exchange import finals, passage
    from exchange.cut import cut
    from exchange.push import push
    from exchange.reconcile import reconcile

    if name == "enqueue":
        return {"batches": [each.batch_id for each in passage.enqueue_judged()]}
    work: dict[str, Any] = {
        "cut": cut,
        "push": push,
        "archive": finals.archive,
        "repair": lambda: reconcile(repair=True),
        "compare": reconcile,
    }
    return dict(work[name]().summary())


class _Count:
    """Counts lines, in all threads, and kills at one of them."""

    def __init__(self, line: int, pause: float) -> None:
        self._line, self._pause = line, pause
        self._numbers = count(1)
        self._seen: set[tuple[Any, int]] = set()
        self.firsts: list[int] = []
        self.lines = 0

    def entered(self, frame: FrameType, event: str, argument: object) -> Any:
        """What `sys.settrace` wants."""
        return self._stepped if frame.f_code.co_filename.startswith(OURS) else None

    def _stepped(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self.lines = number = next(self._numbers)
            place = (frame.f_code, frame.f_lineno)
            if place not in self._seen:
                self._seen.add(place)
                self.firsts.append(number)
            if number == self._line:
                if not self._pause:
                    os.kill(os.getpid(), signal.SIGKILL)
                threading.Thread(target=self._later, daemon=True).start()
        return self._stepped

    def _later(self) -> None:
        time.sleep(self._pause)
        os.kill(os.getpid(), signal.SIGKILL)


def _child(order: dict[str, Any], answer: int) -> None:
    from wangting import disk, ledger, ledger_connection
    from wangting.errors import WangtingError

    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    if order["patience"]:
        ledger_connection.PATIENCE = order["patience"]
    if order["room"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["room"], resource.RLIM_INFINITY))
    lines = _Count(order["line"], order["pause"])
    said: dict[str, Any] = {"summary": {}, "refused": None, "crash": None}
    threading.settrace(lines.entered)
    sys.settrace(lines.entered)
    try:
        said["summary"] = _stage(order["stage"])
        ledger.forget()
    except WangtingError as error:
        said["refused"] = str(error)
    except Exception as error:  # as the command line does
        said["refused" if disk.is_full(error) else "crash"] = (
            str(disk.full()) if disk.is_full(error) else traceback.format_exc()
        )
    sys.settrace(None)
    said |= {"lines": lines.lines, "firsts": lines.firsts}
    with os.fdopen(answer, "w") as file:
        json.dump(said, file, default=str)


def _forked(order: dict[str, Any]) -> dict[str, Any]:
    from exchange.records import record_types

    os.environ.clear()
    os.environ.update(order["environment"])
    record_types()  # read once a day of the house's clock, here, and not in every child
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            _child(order, writer)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    _, status, used = os.wait4(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    said = {"summary": {}, "refused": None, "crash": None, "lines": 0, "firsts": []}
    if not killed:
        said = json.loads(text) if text else said | {"crash": f"ended without a word (status {status})"}
    return {"killed": killed, **said, "seconds": used.ru_utime + used.ru_stime}


def main() -> None:
    """Fork a child for every order on standard input."""
    import aiohttp  # noqa: F401
    import pandas  # noqa: F401 (DuckDB looks whether what it is given comes from there)
    import psycopg  # noqa: F401
    import pyarrow.dataset
    import pyarrow.parquet  # noqa: F401
    import rich.progress  # noqa: F401
    import sqlalchemy.dialects.postgresql.psycopg
    import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401
    import uvloop  # noqa: F401

    from exchange import cut, finals, passage, push, reconcile  # noqa: F401
    from exchange.receivers import http, xml_messages  # noqa: F401

    for text in sys.stdin:
        sys.stdout.write(json.dumps(_forked(json.loads(text))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
