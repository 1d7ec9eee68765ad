"""Time, processor time and peak memory of a command as a whole process, and the machine it ran on."""

import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Cost:
    """What a process took: wall and processor seconds (children included), and its largest resident set in MB."""

    wall: float
    cpu: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.wall:7.1f} s wall  {self.cpu:7.1f} s CPU  {self.peak_mb:6.0f} MB"


def process(command: list[str], **environment: str) -> Cost:
    """Run a command to its end and say what it cost; its standard output is thrown away.

    Raises:
        SystemExit: the command failed.
    """
    started = time.monotonic()
    with subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL) as running:
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    if running.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {running.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def wangting(*command: str, **environment: str) -> Cost:
    """The same for a command of the house."""
    return process([sys.executable, "-m", "wangting.cli", *command], **environment)


def machine() -> str:
    """One line about the machine and the versions that matter."""
    packages = ["duckdb", "dbt-core", "great-expectations", "apache-airflow", "aiohttp"]
    found = ", ".join(f"{name} {version(name)}" for name in packages)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {found}"
