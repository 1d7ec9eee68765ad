"""The one clock: real, or the simulated city's when a simulator has set it.

All times are naive and local to the site's zone. A simulated clock stands still until it is moved, so that a run
can be repeated to the second; waiting moves it on instead of waiting.
"""

import json
import os
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from wangting import settings


def _file() -> Path:
    return settings.home() / "clock.json"


def simulated() -> datetime | None:
    """The simulated time, or None where the real clock runs."""
    try:
        return datetime.fromisoformat(json.loads(_file().read_text("utf-8"))["now"])
    except FileNotFoundError:
        return None


def now() -> datetime:
    """The time of the house: naive, in the site's zone."""
    set_time = simulated()
    if set_time is not None:
        return set_time
    from wangting.site import current_site

    return datetime.now(ZoneInfo(current_site().zone)).replace(tzinfo=None)


def today() -> date:
    """The date of the house, in the site's zone."""
    return now().date()


def set_simulated(moment: datetime) -> None:
    """Stop the clock at `moment`; from now on only `advance` and `sleep` move it."""
    path = _file()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({"now": moment.isoformat()}), "utf-8")
    draft.replace(path)


def advance(step: timedelta) -> datetime:
    """Move a simulated clock on by `step` and return the new time."""
    moment = now() + step
    set_simulated(moment)
    return moment


def sleep(seconds: float) -> None:
    """Wait; under a simulated clock move the clock on instead."""
    if simulated() is None:
        time.sleep(seconds)
    else:
        advance(timedelta(seconds=seconds))
