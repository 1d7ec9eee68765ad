"""A full disk: recognised in the words of whoever met it, and told in one sentence."""

import errno
import tempfile

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
# Where not even its shared memory finds room, or a quota ends, SQLite says no more than this: then it is tried.
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
        if any(words in text for words in _VAGUE) and not _has_room():
            return True
        error = error.__cause__ or error.__context__
    return False


def _has_room() -> bool:
    try:
        with tempfile.TemporaryFile(dir=settings.home(), buffering=0) as probe:
            return probe.write(bytes(_ROOM)) == _ROOM
    except OSError as error:
        return error.errno not in _NUMBERS


def full() -> WangtingError:
    """The sentence for it."""
    return WangtingError(
        "磁盘已满", place=str(settings.home()), mend="清出空间后再运行，未完成的部分会从断点继续"
    )
