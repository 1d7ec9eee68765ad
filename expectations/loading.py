"""Read the specification's files and a site's changes to them; a mistake is one sentence with file, line and field."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field as Declared
from pydantic import ValidationError

from expectations.model import Code, Condition, General, Record, Specification, Strict, Text
from wangting import declared
from wangting.declared import line_of
from wangting.errors import WangtingError

FOLDER = Path(__file__).parent / "specification"
_CHANGEABLE = {
    "required", "required_when", "bytes", "digits", "scale", "codes", "format", "mask", "fillers", "title", "note"
}  # fmt: skip
_CONTEXT = re.compile(r"^(ctx_[a-z_]+|cut_at)$")
_Lines = dict[tuple[str | int, ...], int]


class _Day(Strict):
    value: date
    why: Text


class _Encoding(Strict):
    value: Literal["gbk", "utf-8"]
    why: Text


class _Keys(Strict):
    value: Annotated[list[Text], Declared(min_length=1)]
    why: Text


class _Override(Strict):
    """`<site>/specification.yml`: every line says why."""

    fields: dict[str, dict[str, dict[str, Any]]] = Declared(default={})
    codes: dict[str, dict[str, Code]] = Declared(default={})
    keys: dict[str, _Keys] = Declared(default={})
    earliest_date: _Day | None = None
    length_encoding: _Encoding | None = None
    disable_rules: dict[str, Text] = Declared(default={})


def versions() -> list[str]:
    """The versions of the specification that the product carries, oldest first."""
    return sorted(folder.name for folder in FOLDER.iterdir() if (folder / "specification.yml").is_file())


def load_specification(
    version: str | None = None, override: Path | None = None, *, folder: Path | None = None
) -> Specification:
    """The specification of one version, with a site's changes.

    Args:
        version: e.g. "2013"; None: the newest.
        override: the site's `specification.yml`, where it has one.
        folder: where the versions lie; None: the product's own.

    Raises:
        WangtingError: a file is missing, misspelt or contradicts another; names file, line and field.
    """
    home = folder or FOLDER
    if version is None:
        known = sorted(each.name for each in home.iterdir() if (each / "specification.yml").is_file())
        version = known[-1] if known else "2013"
    place = home / version
    if not place.is_dir():
        raise WangtingError(
            f"没有 {version} 版交换规范", place=str(home), mend=f"可用的版本：{'、'.join(versions())}"
        )
    general = declared.load(place / "specification.yml", General)
    codes = _code_lists(place / "code_lists.yml")
    files = sorted(place.glob("ex_gdbs_*.yml"))
    records = {record.record: record for record in (_record(file, codes) for file in files)}
    for name in general.order:
        if name not in records:
            raise WangtingError(
                f"order 中的 {name} 没有对应的文件",
                place=str(place / "specification.yml"),
                mend=f"补上 {name.lower()}.yml，或从 order 中去掉",
            )
    ordered = {name: records[name] for name in general.order}
    ordered |= {name: record for name, record in records.items() if name not in ordered}
    specification = Specification(general=general, records=ordered, codes=codes)
    return _changed(specification, override) if override is not None else specification


def site_specification() -> Specification:
    """The specification as the active site applies it."""
    from wangting.site import current_site

    return load_specification(override=current_site().specification_override)


def _code_lists(path: Path) -> dict[str, dict[str, str]]:
    content, lines = declared.read(path)
    if not isinstance(content, dict):
        raise WangtingError("代码表应为「名称: {代码: 含义}」的形式", place=str(path), mend="改正后再运行")
    for name, codes in content.items():
        pairs = codes.items() if isinstance(codes, dict) else [(None, None)]
        for code, title in pairs:
            if not (isinstance(code, str) and isinstance(title, str)):
                raise _mistake(
                    path,
                    lines,
                    (name, str(code)),
                    f"{name}.{code}：代码和含义都应是文字",
                    '代码加引号，如 "1"',
                )
    return {name: dict(codes) for name, codes in content.items()}


def _record(path: Path, codes: dict[str, dict[str, str]]) -> Record:
    record = declared.load(path, Record)
    _, lines = declared.read(path)
    if record.record.lower() != path.stem:
        raise _mistake(path, lines, ("record",), f"record：{record.record} 与文件名不一致", "改正名称")
    _agree(record, codes, path, lines)
    return record


def _mistake(path: Path, lines: _Lines, at: tuple[str | int, ...], message: str, mend: str) -> WangtingError:
    return WangtingError(message, place=f"{path} 第 {line_of(lines, at)} 行", mend=mend)


def _agree(
    record: Record, codes: dict[str, dict[str, str]], path: Path, lines: _Lines, *, relaxed: bool = False
) -> None:
    """What one file says about its own fields must hold together; `relaxed`: a site may drop a condition."""

    def known(name: str, at: tuple[str | int, ...], *, context: bool = False) -> None:
        if name not in record.fields and not (context and _CONTEXT.match(name)):
            raise _mistake(path, lines, at, f"{'.'.join(map(str, at))}：没有字段 {name}", "改正字段名")

    def condition(condition: Condition, at: tuple[str | int, ...]) -> None:
        for column in condition:
            known(column, (*at, column), context=True)

    for name in [*record.key, *([record.business_time] if record.business_time else [])]:
        known(name, ("key" if name in record.key else "business_time",))
    for name, field in record.fields.items():
        if field.codes is not None and field.codes not in codes:
            at = ("fields", name, "codes")
            raise _mistake(
                path, lines, at, f"{name}.codes：没有代码表 {field.codes}", "改正名称，或补上代码表"
            )
        if field.type == "text" and field.bytes is None:
            raise _mistake(path, lines, ("fields", name), f"{name}.bytes：文字字段缺少字节长度", "补上 bytes")
        for column in field.required_when or {}:
            known(column, ("fields", name, "required_when"))
    conditional = {name for name, field in record.fields.items() if field.required_when}
    for rule_id, rule in record.rules.items():
        for expect in rule.expect:
            at = ("rules", rule_id, "expect")
            if expect.check == "required_when":
                for name in expect.fields:
                    known(name, at)
                    if record.fields[name].required_when is None and not relaxed:
                        message = f"{rule_id}：字段 {name} 没有写 required_when"
                        raise _mistake(path, lines, at, message, "在字段上补写条件")
                conditional -= set(expect.fields)
                continue
            known(expect.field, at)
            condition(expect.when, (*at, "when"))
            condition(expect.unless, (*at, "unless"))
            named = getattr(expect, "type_field", None) or getattr(expect, "of", [])
            for column in [named] if isinstance(named, str) else named:
                known(column, at, context=True)
    if conditional:
        name = min(conditional)
        at = ("fields", name, "required_when")
        raise _mistake(
            path, lines, at, f"{name}.required_when：没有规则引用它", "在 rules 中加 check: required_when"
        )


def _changed(specification: Specification, path: Path) -> Specification:
    """Apply a site's changes and check the result as if it had been written so."""
    override = declared.load(path, _Override)
    _, lines = declared.read(path)
    records = {name: record.model_dump() for name, record in specification.records.items()}
    general = specification.general.model_dump()
    codes = {name: dict(titles) for name, titles in specification.codes.items()}
    changes: list[str] = []

    def record_of(name: str, at: tuple[str | int, ...]) -> dict[str, Any]:
        if name not in records:
            raise _mistake(path, lines, at, f"{'.'.join(map(str, at))}：没有记录类型 {name}", "改正名称")
        return records[name]

    for name, added in override.codes.items():
        if name not in codes:
            raise _mistake(path, lines, ("codes", name), f"codes.{name}：没有这个代码表", "改正名称")
        codes[name] |= {code: entry.title for code, entry in added.items()}
        changes += [f"代码表 {name} 增加 {code} {entry.title}：{entry.why}" for code, entry in added.items()]
    for name, fields in override.fields.items():
        record = record_of(name, ("fields", name))
        for field, change in fields.items():
            at = ("fields", name, field)
            if field not in record["fields"]:
                raise _mistake(path, lines, at, f"{name} 没有字段 {field}", "改正字段名")
            settings = dict(change)
            why = settings.pop("why", None)
            if not isinstance(why, str) or not why:
                raise _mistake(path, lines, at, f"{name}.{field}：缺少 why（为什么改）", "补上理由")
            for attribute in settings:
                if attribute not in _CHANGEABLE:
                    mend = f"可改的有：{'、'.join(sorted(_CHANGEABLE))}"
                    message = f"{name}.{field}.{attribute}：站点不能改这一项"
                    raise _mistake(path, lines, (*at, attribute), message, mend)
            record["fields"][field] |= settings
            changes.append(f"{name}.{field} 改为 {settings}：{why}")
    for name, keys in override.keys.items():
        record_of(name, ("keys", name))["key"] = keys.value
        changes.append(f"{name} 的主键改为 {'、'.join(keys.value)}：{keys.why}")
    for setting in ("earliest_date", "length_encoding"):
        changed = getattr(override, setting)
        if changed is not None:
            general[setting] = changed.value
            changes.append(f"{setting} 改为 {changed.value}：{changed.why}")
    ids = {rule for record in specification.records.values() for rule in record.rules}
    ids |= {rule.id for rule in specification.general.field_rules.values()}
    for rule_id, why in override.disable_rules.items():
        if rule_id not in ids:
            raise _mistake(
                path, lines, ("disable_rules", rule_id), f"disable_rules：没有规则 {rule_id}", "改正规则编号"
            )
        changes.append(f"不适用规则 {rule_id}：{why}")
    try:
        made = Specification.model_validate(
            {
                "general": general,
                "records": records,
                "codes": codes,
                "disabled": override.disable_rules,
                "changes": changes,
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = first["loc"]
        # records.EX_….fields.NAME.attribute of the specification is fields.EX_….NAME.attribute in the site's file.
        is_field = len(place) > 3 and place[0] == "records" and place[2] == "fields"
        wrong = ("fields", place[1], *place[3:]) if is_field else place
        field = ".".join(map(str, wrong))
        raise _mistake(path, lines, wrong, f"{field}：{first['msg']}", "改正后再运行") from error
    for record_model in made.records.values():
        _agree(record_model, codes, path, lines, relaxed=True)
    return made
