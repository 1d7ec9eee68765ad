"""The province's own reading of the published specification files, and of a site's agreed deviations from them.

The city reads the same files with its own code. Nothing is shared on purpose: two readings of one published text
are what makes a receipt worth something.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from wangting import clock
from wangting.errors import WangtingError

PUBLISHED = Path(__file__).resolve().parents[2] / "expectations" / "specification"
EARLIEST = "2013-01-01"  # the interface was published in 2013: no record can be older


@dataclass
class Field:
    """One published field.

    `type` is text, time, integer or number; `length` is in bytes; `codes` are the values allowed, None for any,
    `code_list` is the name of their list.
    """

    name: str
    title: str
    type: str
    required: bool = False
    length: int | None = None
    digits: int | None = None
    scale: int = 0
    codes: frozenset[str] | None = None
    format: str | None = None
    required_when: dict[str, frozenset[str]] = field(default_factory=dict)
    code_list: str | None = None


@dataclass
class Record:
    """One record type of the exchange."""

    table: str
    title: str
    number: int
    key: tuple[str, ...]
    business_time: str
    fields: dict[str, Field]


@dataclass
class Specification:
    """All record types that may be submitted, with the settings that hold for the whole interface."""

    records: dict[str, Record]
    earliest: str
    encoding: str
    disabled: frozenset[str]

    def is_on(self, rule: str) -> bool:
        """Whether a rule such as `N2.sxbm` is checked (a site may have agreed to leave it out)."""
        return rule not in self.disabled and rule.partition(".")[0] not in self.disabled


def read(
    folder: Path | None = None, override: Path | None = None, *, on: date | None = None
) -> Specification:
    """Read the published files of one version and, where given, a site's override file.

    Args:
        folder: a version's folder, or the folder of all versions: then the one that the override file names, otherwise
            the one in force.
        override: the site's agreed deviations.
        on: the day for which the version in force is asked (default: today).
    """
    changes = _Changes(override)
    folder = _version(folder or PUBLISHED, changes.version, on)
    codes = {
        name: {str(code) for code in listed["codes"]}
        for name, listed in _content(folder, "code_lists.yml").items()
    }
    for name, extra in changes.codes.items():
        codes.setdefault(name, set()).update(str(code) for code in extra)
    records: dict[str, Record] = {}
    for name in sorted(_names(folder, "ex_*.yml")):
        content, path = _content(folder, name), folder / name
        if content.get("exchanged", True) is False:
            continue
        try:
            record = _record(content, codes, changes)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise WangtingError(
                f"规范文件无法读懂（{problem!r}）", place=str(path), mend="请按同目录其他记录文件的写法更正"
            ) from problem
        records[record.table] = record
    if not records:
        raise WangtingError("没有任何记录规范", place=str(folder), mend="请检查规范目录")
    return Specification(records, changes.earliest, changes.encoding, changes.disabled)


class _Changes:
    """A site's override file. Keys that this reader does not know are the city's own business and are passed over."""

    def __init__(self, path: Path | None) -> None:
        content = _load(path) if path is not None else {}
        self.fields: Mapping[str, Mapping[str, Mapping[str, Any]]] = content.get("fields") or {}
        self.keys: Mapping[str, Any] = content.get("keys") or {}
        self.codes: Mapping[str, Any] = content.get("codes") or {}
        self.disabled = frozenset(str(rule) for rule in content.get("disable_rules") or ())
        self.version: str | None = _value(content.get("version"))
        self.earliest = f"{_iso(_value(content.get('earliest_date')) or EARLIEST)} 00:00:00"
        self.encoding = str(_value(content.get("length_encoding")) or "gbk").lower()
        if self.encoding not in ("gbk", "gb18030", "utf-8"):
            raise WangtingError(
                f"长度编码 {self.encoding} 无法识别", place=str(path), mend="请写 gbk 或 utf-8"
            )

    def of_field(self, table: str, name: str) -> dict[str, Any]:
        every, this = self.fields.get("*") or {}, self.fields.get(table) or {}
        return {**(every.get(name) or {}), **(this.get(name) or {})}

    def key(self, table: str) -> list[str] | None:
        key = _value(self.keys.get(table))
        return [str(name) for name in key] if key else None


def _value(entry: Any) -> Any:
    return entry.get("value") if isinstance(entry, Mapping) else entry


def _iso(moment: Any) -> str:
    if isinstance(moment, datetime):
        return moment.date().isoformat()
    return moment.isoformat() if isinstance(moment, date) else str(moment)[:10]


def _version(folder: Path, pinned: str | None, on: date | None) -> Path:
    """The folder of the version to go by: the pinned one, or the youngest whose first day has come."""
    if (folder / "code_lists.yml").exists():
        return folder
    first_days = {path.parent: _load(path).get("valid_from") for path in folder.glob("*/specification.yml")}
    if not first_days:
        raise WangtingError("找不到数据交换规范文件", place=str(folder), mend="请检查规范目录")
    if pinned is not None:
        if folder / pinned not in first_days:
            raise WangtingError(f"找不到 {pinned} 版数据交换规范", place=str(folder), mend="请检查版本名称")
        return folder / pinned
    today = (on or clock.today()).isoformat()
    begun = {path: str(day) for path, day in first_days.items() if str(day) <= today}
    if not begun:  # older than the oldest: there is no other text to go by
        return min(first_days, key=lambda path: str(first_days[path]))
    return max(begun, key=lambda path: begun[path])


def _base(folder: Path) -> Path | None:
    """The folder of the version that this one only adds to."""
    head = folder / "specification.yml"
    name = _load(head).get("base") if head.exists() else None
    return folder.parent / str(name) if name else None


def _names(folder: Path, pattern: str) -> set[str]:
    base = _base(folder)
    return {path.name for path in folder.glob(pattern)} | (_names(base, pattern) if base else set())


def _content(folder: Path, name: str) -> dict[str, Any]:
    """One file of a version, with what the version says against its base worked in."""
    base = _base(folder)
    if base is None:
        return _load(folder / name)
    below = _content(base, name) if name in _names(base, name) else {}
    if not (folder / name).exists():
        return below
    own = _load(folder / name)
    if not below:
        return own
    return _without(_with(_with(below, own.get("add")), own.get("change")), own.get("remove"))


def _with(base: Mapping[str, Any], more: Any) -> dict[str, Any]:
    """`base` with the entries of `more`, mappings inside mappings likewise."""
    merged = dict(base)
    for key, value in (more or {}).items():
        inside = merged.get(key)
        both = isinstance(inside, Mapping) and isinstance(value, Mapping)
        merged[key] = _with(inside, value) if both else value  # type: ignore[arg-type]
    return merged


def _without(base: Mapping[str, Any], less: Any) -> dict[str, Any]:
    """`base` without the entries that `less` lists, at whatever depth it lists them."""
    if isinstance(less, Mapping):
        return {key: _without(value, less[key]) if key in less else value for key, value in base.items()}
    return {key: value for key, value in base.items() if key not in (less or ())}


def _load(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as problem:
        raise WangtingError("规范文件不存在", place=str(path), mend="请检查路径") from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        line = getattr(getattr(problem, "problem_mark", None), "line", None)
        where = f"{path} 第 {line + 1} 行" if line is not None else str(path)
        raise WangtingError("规范文件不是合法的 YAML", place=where, mend="请更正该行") from problem
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise WangtingError("规范文件的最外层应为键值", place=str(path), mend="请更正文件结构")
    return content


def _record(content: Mapping[str, Any], codes: Mapping[str, set[str]], changes: _Changes) -> Record:
    table = str(content["record"])
    fields = {}
    for name, published in content["fields"].items():
        fields[str(name)] = _field(str(name), {**published, **changes.of_field(table, name)}, codes)
    key = tuple(changes.key(table) or content["key"])
    business_time = str(content["business_time"])
    for name in (*key, business_time):
        if name not in fields:
            raise ValueError(f"字段 {name} 未定义")
    return Record(table, str(content["title"]), int(content["number"]), key, business_time, fields)


def _field(name: str, facts: Mapping[str, Any], codes: Mapping[str, set[str]]) -> Field:
    listed = facts.get("codes")
    if isinstance(listed, str):
        if listed not in codes:
            raise ValueError(f"字段 {name} 的代码表 {listed} 未定义")
        allowed: frozenset[str] | None = frozenset(codes[listed])
    else:
        allowed = frozenset(str(code) for code in listed) if listed else None
    kind = str(facts["type"])
    if kind not in ("text", "time", "integer", "number"):
        raise ValueError(f"字段 {name} 的类型 {kind} 无法识别")
    conditions = {
        str(other): frozenset(str(value) for value in (values if isinstance(values, list) else [values]))
        for other, values in (facts.get("required_when") or {}).items()
    }
    return Field(
        name=name,
        title=str(facts.get("title", name)),
        type=kind,
        required=bool(facts.get("required", False)),
        length=int(facts["bytes"]) if facts.get("bytes") else None,
        digits=int(facts["digits"]) if facts.get("digits") else None,
        scale=int(facts.get("scale") or 0),
        codes=allowed,
        format=str(facts["format"]) if facts.get("format") else None,
        required_when=conditions,
        code_list=listed if isinstance(listed, str) else None,
    )
