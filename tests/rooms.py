"""`make test`: every room's checks, two at a time, each with its time against its budget and what it skipped.

The closing line counts all rooms together. Output of a room is printed when the room is done, in the order below.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Room:
    """A part of the tests that runs in one process, and the minutes it may take."""

    title: str
    paths: tuple[str, ...]
    minutes: float
    is_fast: bool = False
    without: tuple[str, ...] = ()  # paths inside its own that another room has


_AT_THE_LIMITS = (
    "tests/exchange/test_dialects_end_to_end.py",
    "tests/exchange/test_fault_matrix.py",
    "tests/exchange/test_outbox_machine.py",
)

_OVER_TIME = tuple(
    f"tests/dbt_project/test_{name}.py"
    for name in ("deletes", "history", "past", "random_histories", "a_new_version_of_the_specification")
)

_OF_PEOPLE = tuple(f"tests/dbt_project/test_{name}.py" for name in ("people", "random_people", "watched"))

_BESIDE_THE_CASES = ("tests/simulator/test_systems_beside.py",)

# Longest first: with two at a time the last one alone decides the end.
ROOMS = [
    Room("dbt: over time", _OVER_TIME, 9),
    Room("dashboards", ("tests/dashboards",), 14),
    Room("whole way", ("tests/e2e/test_whole_way.py",), 5),
    Room("dbt", ("tests/dbt_project",), 7, without=_OVER_TIME + _OF_PEOPLE),
    Room("dbt: of people, of the house", _OF_PEOPLE, 6),
    Room("people and licences", ("tests/e2e/test_people.py", "tests/e2e/test_worked_elicences.py"), 5),
    Room("exchange", ("tests/exchange",), 6, without=_AT_THE_LIMITS),
    Room("exchange: dialects and faults", _AT_THE_LIMITS, 7),
    Room("check", (), 2, is_fast=True),
    Room("faults", ("tests/e2e/test_faults.py",), 4),
    Room("faults: kills", ("tests/e2e/test_faults_kill.py",), 4),
    Room("a simulated week, in short", ("tests/e2e/test_a_simulated_week.py",), 4),
    Room("every system", ("tests/e2e/test_every_system.py",), 4),
    Room("systems that carry cases", ("tests/e2e/test_case_systems.py",), 4),
    Room("scheduler", ("tests/e2e/test_scheduler.py",), 3),
    Room("what stays up", ("tests/operation",), 6),
    Room("simulator", ("tests/simulator",), 4, without=_BESIDE_THE_CASES),
    Room("simulator: beside the cases", _BESIDE_THE_CASES, 3),
    Room("ingestion", ("tests/ingestion",), 4),
    Room("sites and worked examples", ("tests/sites", "tests/e2e/test_worked_examples.py"), 4),
    Room(
        "house and gate",
        ("tests/house", "tests/wangting", "tests/expectations"),
        4,
        is_fast=True,
    ),
]


@dataclass
class Outcome:
    """What a room came to."""

    room: Room
    seconds: float = 0.0
    code: int = 0
    output: str = ""
    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)


def _commands(room: Room, report: Path) -> list[list[str]]:
    if not room.paths:
        return [["make", "--no-print-directory", "check"]]
    # A folder of its own: pytest closes the shared one to others each time that it starts, also while another room's
    # PostgreSQL, which runs under an account of its own, has its data there.
    options = ["-q", "-m", "not large", f"--junitxml={report}", f"--basetemp={report.parent / 'made'}"]
    without = [f"--ignore={path}" for path in room.without]
    return [[sys.executable, "-m", "pytest", *options, *room.paths, *without]]


def _count(outcome: Outcome, report: Path) -> None:
    if not report.is_file():
        outcome.failed += outcome.code != 0
        outcome.passed += outcome.code == 0
        return
    for case in ET.parse(report).iter("testcase"):
        kinds = {child.tag: child for child in case}
        if "skipped" in kinds:
            name = f"{case.get('classname')}::{case.get('name')}"
            outcome.skipped.append(f"{name}: {kinds['skipped'].get('message')}")
        elif "failure" in kinds or "error" in kinds:
            outcome.failed += 1
        else:
            outcome.passed += 1
    if outcome.code and not outcome.failed:  # a crash of the runner itself
        outcome.failed = 1


def enter(room: Room, said: threading.Lock) -> Outcome:
    """Run a room and print what it said."""
    outcome = Outcome(room)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        for command in _commands(room, report):
            done = subprocess.run(
                command,
                cwd=ROOT,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
            outcome.output += done.stdout
            outcome.code |= done.returncode
        _count(outcome, report)
    outcome.seconds = time.monotonic() - started
    with said:
        sys.stdout.write(f"\n===== {room.title} ({outcome.seconds:.0f} s)\n{outcome.output.strip()}\n")
        sys.stdout.flush()
    return outcome


def main() -> int:
    """Run the rooms and print the summary; the exit code is 0 only when nothing failed."""
    rooms = [room for room in ROOMS if room.is_fast or "--fast" not in sys.argv]
    started = time.monotonic()
    said = threading.Lock()
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = list(pool.map(lambda room: enter(room, said), rooms))
    lines = ["", "room                           minutes  budget   passed  failed  skipped"]
    for outcome in outcomes:
        room = outcome.room
        over = "  over budget" if outcome.seconds > room.minutes * 60 else ""
        lines.append(
            f"{room.title:<30} {outcome.seconds / 60:7.1f} {room.minutes:7.1f} {outcome.passed:8} {outcome.failed:7}"
            f" {len(outcome.skipped):8}{over}"
        )
    skipped = [reason for outcome in outcomes for reason in outcome.skipped]
    lines += [f"skipped: {reason}" for reason in skipped] or ["nothing was skipped"]
    failed = sum(outcome.failed for outcome in outcomes)
    passed = sum(outcome.passed for outcome in outcomes)
    lines += [f"all rooms: {(time.monotonic() - started) / 60:.1f} minutes", ""]
    lines.append(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if failed or any(outcome.code for outcome in outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
