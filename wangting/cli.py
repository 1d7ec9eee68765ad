"""The command line: collects every room's commands by entry point and turns errors into one clear sentence."""

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import NoReturn

import typer

from wangting.errors import WangtingError

_ORDER = [
    "simulate",
    "sources",
    "source",
    "pull",
    "replay",
    "compact",
    "build",
    "exchange",
    "cut",
    "gate",
    "push",
    "reconcile",
    "timeliness",
    "alarms",
    "publish",
    "status",
    "trace",
    "retention",
    "metric",
    "spec",
    "site",
    "run",
    "up",
    "down",
]


def _place(entry: EntryPoint) -> int:
    return _ORDER.index(entry.name) if entry.name in _ORDER else len(_ORDER)


def application() -> typer.Typer:
    """The whole application; a room's command is a function or a Typer application of its own."""
    app = typer.Typer(
        help="网厅：网上办事大厅数据仓库",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for entry in sorted(entry_points(group="wangting.commands"), key=_place):
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(name=entry.name)(command)
    return app


def main() -> None:
    """Run a command; what a person can mend ends with one sentence on standard error and exit code 1, what was typed
    wrongly with one and exit code 2."""
    try:
        code = application()(prog_name="wangting", standalone_mode=False)
    except WangtingError as error:
        _tell(error)
    except typer.TyperException as error:
        from wangting import usage

        if usage.is_help(error):
            raise SystemExit(2) from None
        _tell(usage.told(error), exit_code=2)
    except Exception as error:
        from wangting import disk

        if not disk.is_full(error):
            raise
        _tell(disk.full())
    raise SystemExit(code if isinstance(code, int) else 0)


def _tell(error: WangtingError, *, exit_code: int = 1) -> NoReturn:
    if "--json" in sys.argv:
        from wangting.console import emit

        emit(error.as_dict(), as_json=True)
    sys.stderr.write(f"错误：{error}\n")
    raise SystemExit(exit_code) from None


if __name__ == "__main__":
    main()
