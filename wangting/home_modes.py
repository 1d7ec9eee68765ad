"""Who may read the home: its owner alone. What is open to others is found, told and closed."""

from collections.abc import Iterator
from pathlib import Path

from wangting import settings

_OTHERS = 0o077
_WORLD = "simulator"  # the city outside the house, with a database that another account runs
_ENTER = 0o011  # of the home alone, where there is such a city: that account must come through, and sees nothing else


def wider() -> Iterator[Path]:
    """Every file and folder under the home that others may read or write."""
    home = settings.home()
    if _is_open(home):
        yield home
    for path in home.rglob("*"):
        if path.relative_to(home).parts[0] != _WORLD and _is_open(path):
            yield path


def at_first_sight() -> list[Path]:
    """The same, of the home itself and what lies directly in it: cheap enough to be asked at any time."""
    home = settings.home()
    return [path for path in (home, *sorted(home.iterdir())) if path.name != _WORLD and _is_open(path)]


def mend() -> int:
    """Close what is open to others; returns how many files and folders. What belongs to another account stays."""
    mended = 0
    for path in list(wider()):
        try:
            path.chmod(path.stat().st_mode & (0o700 | _left(path)))
        except (FileNotFoundError, PermissionError):
            continue
        mended += 1
    return mended


def _left(path: Path) -> int:
    return _ENTER if path == settings.home() and (path / _WORLD).is_dir() else 0


def _is_open(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:  # a temporary one, gone meanwhile
        return False
    return not path.is_symlink() and bool(mode & _OTHERS & ~_left(path))
