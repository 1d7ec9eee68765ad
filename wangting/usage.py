"""What was typed wrongly, in one Chinese sentence: typer words its own errors in English."""

import re
from typing import Any

import typer

from wangting.errors import WangtingError

# How pydantic and typer say what they want.
_WANTED = {
    "Input should be a valid integer.*": "应为整数",
    "Input should be (a valid )?date.*|.* does not match the formats? .*": "应为日期或时间，如 2017-12-01",
    "Input should be |.* is not one of ": "应为 ",
    " or ": " 或 ",
    ", ": "、",
}


def is_help(error: Any) -> bool:
    """Whether nothing was typed where something must be: then the help is shown, here."""
    if type(error).__name__ != "NoArgsIsHelpError":
        return False
    error.show()
    return True


def told(error: typer.TyperException) -> WangtingError:
    """An error of the command line's parser as people read it."""
    context: Any = getattr(error, "ctx", None)
    command = context.command_path if context else "wangting"
    return WangtingError(_message(error), place=command, mend=f"用法见 {command} --help")


def _message(error: Any) -> str:
    kind = type(error).__name__
    if kind == "NoSuchOption":
        near = f"（相近的有 {'、'.join(sorted(error.possibilities))}）" if error.possibilities else ""
        return f"没有选项 {error.option_name}{near}"
    if kind == "MissingParameter":
        return f"缺少{_name(error)}"
    if isinstance(error, typer.BadParameter):
        return f"{_name(error)} 不能这样写：{_wanted(error.message)}"
    said = str(getattr(error, "message", "") or "已中断").rstrip(".")
    unknown = re.search(r"No such command '([^']*)'", said)
    return f"没有命令 {unknown[1]}" if unknown else said


def _wanted(message: str) -> str:
    for english, chinese in _WANTED.items():
        message = re.sub(english, chinese, message)
    return message.rstrip(".")


def _name(error: Any) -> str:
    if error.param is None:
        return str(error.param_hint or "参数")
    longest = max(error.param.opts, key=len)
    return f"选项 {longest}" if longest.startswith("-") else f"参数 {error.param.name}"
