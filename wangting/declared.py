"""Read what is declared in YAML into a validated type, and say file, line and field when it does not fit."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from wangting.errors import WangtingError

Declared = TypeVar("Declared", bound=BaseModel)
_Path = tuple[str | int, ...]

_WHY = {
    "missing": "缺少这一项",
    "extra_forbidden": "不认识这一项（是否写错了名称？）",
}


def _lines(node: yaml.Node | None, at: _Path = ()) -> dict[_Path, int]:
    """Line number (from 1) of every place in the document."""
    if node is None:
        return {}
    found = {at: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*at, str(key.value))
            found |= _lines(value, inner) | {inner: key.start_mark.line + 1}
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            found |= _lines(value, (*at, position))
    return found


def line_of(lines: dict[_Path, int], place: _Path) -> int:
    """The line of `place`, or of the nearest thing around it that the file does have."""
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def read(path: Path) -> tuple[Any, dict[_Path, int]]:
    """The file's content and the line of each of its places.

    Raises:
        WangtingError: the file is missing, not UTF-8, or not YAML.
    """
    try:
        text = path.read_text("utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise WangtingError("文件不存在", place=str(path), mend="补上该文件，或改正引用它的设置") from error
    except UnicodeDecodeError as error:
        raise WangtingError("文件不是 UTF-8 编码", place=str(path), mend="另存为 UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WangtingError(
            f"不是有效的 YAML（{error.problem}）",
            place=f"{path} 第 {line} 行",
            mend="按缩进和引号规则改正这一行",
        ) from error
    return content, _lines(node)


def load(path: Path, into: type[Declared], /, **known: Any) -> Declared:
    """Read `path` as an instance of `into`; `known` adds what the file does not say itself (its name, say).

    Raises:
        WangtingError: with file, line and field of the first thing that does not fit.
    """
    content, lines = read(path)
    if not isinstance(content, dict):
        raise WangtingError(
            "文件内容应当是「名称: 值」的形式", place=str(path), mend="参照同目录其他文件改写"
        )
    try:
        return into.model_validate({**content, **known})
    except ValidationError as error:
        first = error.errors()[0]
        place = tuple(part if isinstance(part, int) else str(part) for part in first["loc"])
        field = ".".join(map(str, place)) or "（整个文件）"
        why = _WHY.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise WangtingError(
            f"{field}：{why}", place=f"{path} 第 {line_of(lines, place)} 行", mend="改正后再运行"
        ) from error
