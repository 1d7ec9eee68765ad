"""The commands of a document, run in their order as a reader runs them: in one shell, in an empty folder."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT

_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def blocks(document: str) -> list[str]:
    """The shell blocks of a document of ours, in their order."""
    return _BLOCK.findall((ROOT / document).read_text("utf-8"))


def run(commands: list[str], folder: Path, **environment: str) -> str:
    """Run blocks in one shell that stops at the first failure; what they printed, both streams."""
    program = folder / "bin" / "wangting"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m wangting.cli "$@"\n', "utf-8")
    program.chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WANGTING_")}
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(commands)],
        cwd=folder,
        env={**inherited, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout
