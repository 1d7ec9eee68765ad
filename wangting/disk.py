"""The disk: waiting until something is on it; and a full one, recognised in the words of whoever met it."""

import errno
import os
import resource
import shutil
from pathlib import Path

from wangting import settings
from wangting.errors import WangtingError

_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# The system's words, DuckDB's and SQLite's.
_WORDS = (
    "No space left on device",
    "File too large",
    "Disk quota exceeded",
    "database or disk is full",
)
# Where not even its shared memory finds room, or a file may not grow, SQLite says no more than this, so the disk itself
# and the limit of this process are asked.
_VAGUE = ("disk I/O error", "unable to open database file")
_ROOM = 1 << 20  # bytes


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, is about a disk without room."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NUMBERS:
            return True
        text = str(error)
        if any(words in text for words in _WORDS):
            return True
        if any(words in text for words in _VAGUE) and _is_narrow():
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_narrow() -> bool:
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return limit != resource.RLIM_INFINITY or shutil.disk_usage(settings.home()).free < _ROOM


def full() -> WangtingError:
    """The sentence for it."""
    return WangtingError(
        "磁盘已满", place=str(settings.home()), mend="清出空间后再运行，未完成的部分会从断点继续"
    )


def sync(*places: Path) -> None:
    """Have files and folders on the disk before anything refers to them."""
    for place in places:
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
