"""Read what is declared in YAML into a validated type, and say file, line and field when it does not fit."""

import re
from collections.abc import Callable
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
    "string_type": "应为文字（必要时加引号）",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表，如 [甲, 乙]",
    "dict_type": "应为「名称: 值」的形式",
    "model_type": "应为「名称: 值」的形式",
    "literal_error": "不在可选的值之中",
    "string_pattern_mismatch": "写法不对（是否写错了名称？）",
    "string_too_short": "不能为空",
    "too_short": "不能为空",
    "greater_than": "应大于 0",
    "date_type": "应为日期，如 2016-01-01",
    "date_from_datetime_parsing": "应为日期，如 2016-01-01",
    "union_tag_invalid": "不认识这一种",
    "union_tag_not_found": "没有写明是哪一种",
}


# libyaml reads ten times as fast, where it is there.
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):  # type: ignore[misc]
    """YAML 1.1 but for its booleans: a column may be called `no` or `on`."""


_BOOLEAN = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != _BOOLEAN]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile(r"^(?:true|false)$", re.IGNORECASE), list("tTfF"))


def _lines(path: Path, node: yaml.Node | None, at: _Path = ()) -> dict[_Path, int]:
    """Line number (from 1) of every place in the document."""
    if node is None:
        return {}
    found = {at: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*at, str(key.value))
            if inner in found:
                raise WangtingError(
                    f"{key.value} 写了两次（另一处在第 {found[inner]} 行）",
                    place=f"{path} 第 {key.start_mark.line + 1} 行",
                    mend="只留一处",
                )
            found |= _lines(path, value, inner) | {inner: key.start_mark.line + 1}
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            found |= _lines(path, value, (*at, position))
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
        loader = _Loader(path.read_text("utf-8"))
        node = loader.get_single_node()
        lines = _lines(path, node)
        content = loader.construct_document(node) if node is not None else None
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
    except ValueError as error:  # a date that no calendar has
        raise WangtingError(
            f"有读不懂的日期或数字（{error}）", place=str(path), mend="改正后再运行"
        ) from error
    return content, lines


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
    return fit({**content, **known}, into, lambda at: f"{path} 第 {line_of(lines, at)} 行")


def fit(content: Any, into: type[Declared], where: Callable[[_Path], str]) -> Declared:
    """`content` as an instance of `into`; `where` says in which file and line a place of it stands.

    Raises:
        WangtingError: with file, line and field of the first thing that does not fit.
    """
    try:
        return into.model_validate(content)
    except ValidationError as error:
        # A misspelt name is the cause of the missing one: tell of it first.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        place = tuple(part if isinstance(part, int) else str(part) for part in first["loc"])
        field = ".".join(map(str, place)) or "（整个文件）"
        why = _WHY.get(first["type"], first["msg"].removeprefix("Value error, "))
        if first["type"] == "literal_error":
            why += f"（{first['ctx']['expected']}）"
        raise WangtingError(f"{field}：{why}", place=where(place), mend="改正后再运行") from error
