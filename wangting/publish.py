"""Hand out a tested state of the marts: copy, then switch one directory link; no reader ever sees half of it."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from wangting import clock, engine, ledger, locks, settings
from wangting.errors import WangtingError

KEPT = 3  # releases that stay for readers on their way to one; older ones go once nobody has them open


@dataclass(frozen=True)
class Release:
    """A published state: its name, the build it came from, and whether this call made it."""

    name: str
    build_id: str
    published_at: datetime
    bytes: int
    is_new: bool


# The file that readers in this block open instead of the current release.
_INSTEAD: ContextVar[Path | None] = ContextVar("instead", default=None)


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """For the length of the block, whoever asks for the current release is given this file of marts instead."""
    token = _INSTEAD.set(file)
    try:
        yield
    finally:
        _INSTEAD.reset(token)


def current_release() -> Path | None:
    """The database file of the current release, or None before the first."""
    instead = _INSTEAD.get()
    if instead is not None:
        return instead
    path = settings.home() / "releases" / "current" / "marts.duckdb"
    return path if path.is_file() else None


def require_release() -> Path:
    """The database file of the current release.

    Raises:
        WangtingError: nothing has been published yet.
    """
    path = current_release()
    if path is None:
        raise WangtingError(
            "还没有发布过数据",
            place=str(settings.home()),
            mend="先运行 make run 或 wangting build 与 wangting publish",
        )
    return path


def _about(folder: Path) -> dict[str, str]:
    path = folder / "release.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def about_current() -> dict[str, str]:
    """Name, build_id, published_at and bytes of the current release; empty before the first."""
    return _about(settings.home() / "releases" / "current")


def publish() -> Release:
    """Publish what the last passed warehouse build left, unless that is published already.

    Raises:
        WangtingError: no build has passed yet, a build is running, or the last one did not pass after there was
            something new to publish: the marts may then be half of two states.
    """
    passed = [build["build_id"] for build in _builds() if build["state"] == "passed"]
    if not passed:
        raise WangtingError("没有可发布的构建结果", place="warehouse", mend="先运行 wangting build")
    build_id = passed[0]
    releases = settings.home() / "releases"
    releases.mkdir(exist_ok=True)
    known = _about(releases / "current")
    if known.get("build_id") == build_id:
        return Release(
            known["name"], build_id, datetime.fromisoformat(known["published_at"]), int(known["bytes"]), False
        )
    with locks.writer("warehouse"):
        newest = _builds()[0]
        if newest["state"] != "passed":
            raise WangtingError(
                "上一次构建没有完成，数据集市可能只更新了一半", place="warehouse", mend="重新构建后再发布"
            )
        build_id = newest["build_id"]
        for left in releases.glob(".*"):  # by a publication that was killed
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
        marts = settings.home() / "lanes" / "warehouse" / "marts.duckdb"
        connection = engine.connect(marts)
        connection.execute("CHECKPOINT")
        connection.close()
        name = _free_name(releases, ledger.stamp(clock.now()))
        draft = releases / f".{name}"
        draft.mkdir()
        try:
            shutil.copyfile(marts, draft / "marts.duckdb")
            release = Release(name, build_id, clock.now(), (draft / "marts.duckdb").stat().st_size, True)
            about = {key: str(value) for key, value in asdict(release).items() if key != "is_new"}
            (draft / "release.json").write_text(json.dumps(about, ensure_ascii=False, indent=2), "utf-8")
            draft.rename(releases / name)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)  # half a copy must not keep a full disk full
            raise
        # A reader follows the directory link when it opens the file; replacing the file itself would leave readers
        # with a connection to the old one for as long as they live.
        link = releases / ".current"
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        link.replace(releases / "current")
        _forget_old(releases, name)
    return release


def _builds() -> list[dict[str, Any]]:
    """The warehouse's builds, the newest first."""
    builds = ledger.builds
    return ledger.rows(
        select(builds.c.build_id, builds.c.state)
        .where(builds.c.lane == "warehouse")
        .order_by(builds.c.started_at.desc(), builds.c.build_id.desc())
    )


def _free_name(releases: Path, stamp: str) -> str:
    """A simulated clock may stand still between two releases, so a name can be taken."""
    name, number = stamp, 1
    while (releases / name).exists():
        number += 1
        name = f"{stamp}-{number}"
    return name


def _forget_old(releases: Path, newest: str) -> None:
    folders = sorted(
        (folder for folder in releases.iterdir() if folder.is_dir() and not folder.is_symlink()),
        key=lambda folder: folder.stat().st_mtime,
    )
    for folder in folders[:-KEPT]:
        if folder.name != newest and not _is_read(folder / "marts.duckdb"):
            shutil.rmtree(folder, ignore_errors=True)


def _is_read(marts: Path) -> bool:
    """Whether another process has the file open: DuckDB locks what it reads, too."""
    try:
        with marts.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # half removed by somebody who was killed
        return False
    return False
