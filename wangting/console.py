"""What people read on the terminal: progress on long work, tables with Chinese labels, or JSON for machines."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 120  # columns, where the screen does not say

# Progress and errors go to standard error, so that `--json` on standard output stays clean.


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def emit(data: Any, *, as_json: bool, show: Callable[[Any], None] | None = None) -> None:
    """Print `data` as JSON, or hand it to `show` for people."""
    if as_json or show is None:
        sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=_plain) + "\n")
    else:
        show(data)


def _screen() -> "Console":
    """Standard output; where that is no terminal (a log, a pipe) tables are given room."""
    from rich.console import Console

    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=WIDTH)


def say(text: str, *, bold: str = "") -> None:
    """A line for people, on standard output; `bold` goes before it."""
    from rich.text import Text

    _screen().print(Text.assemble((bold, "bold"), text), soft_wrap=True)


def table(title: str, columns: list[str], lines: list[list[Any]], *, right: set[int] = frozenset()) -> None:  # type: ignore[assignment]
    """A table for people; `right` are the positions of columns aligned to the right."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for position, column in enumerate(columns):
        shown.add_column(column, justify="right" if position in right else "left", overflow="fold")
    for line in lines:
        # As text: what a source or the province wrote between brackets is no markup.
        shown.add_row(*(Text("" if cell is None else str(cell)) for cell in line))
    _screen().print(shown)


class Steps(Protocol):
    """How long work tells how far it is."""

    def __call__(self, done: float, *, total: float | None = None, text: str | None = None) -> None:
        """`done` of `total` are finished; `text` says what is under way."""


@contextmanager
def progress(text: str, total: float | None = None) -> Iterator[Steps]:
    """A progress bar on standard error; where that is no terminal, one line at the start and one at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    out = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=not out.is_terminal,
        disable=not out.is_terminal,
    ) as bars:
        bar = bars.add_task(text, total=total)

        def step(done: float, *, total: float | None = None, text: str | None = None) -> None:
            bars.update(bar, completed=done)
            if total is not None:
                bars.update(bar, total=total)
            if text is not None:
                bars.update(bar, description=text)

        yield step
