"""One writer a file: an operating-system lock that names its owner and dies with its process."""

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from wangting import clock, settings
from wangting.errors import WangtingError


@contextmanager
def writer(name: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock `name` ('exchange', 'warehouse', 'pull-<source>', …) for the length of the block.

    Args:
        wait: for how many real seconds to wait for another owner to finish.

    Raises:
        WangtingError: another process holds it; the error names process, command and since when.
    """
    folder = settings.home() / "locks"
    folder.mkdir(exist_ok=True)
    handle = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                owner = _owner(handle)
                raise WangtingError(
                    f"正在被另一个进程使用（{owner}）", place=f"写锁 {name}", mend="等它结束后再试"
                ) from None
        about = {
            "pid": os.getpid(),
            "command": " ".join(sys.argv)[:200],
            "since": clock.now().isoformat(sep=" ", timespec="seconds"),
        }
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(about).encode(), 0)
        yield
    finally:
        os.close(handle)


def _owner(handle: int) -> str:
    try:
        about = json.loads(os.pread(handle, 4096, 0))
        return f"进程 {about['pid']}，{about['command']}，自 {about['since']}"
    except (ValueError, KeyError):
        return "进程未知"
