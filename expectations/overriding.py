"""A site's own changes to the specification: every line says why, and what results is checked like the original."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field as Declared
from pydantic import ValidationError

from expectations.agreeing import agree
from expectations.differing import ATTRIBUTES, worded
from expectations.model import Code, SiteChange, Specification, Strict, Text
from wangting import declared
from wangting import specification as layers
from wangting.specification import Place, Sheet, Version

_CHANGEABLE = {
    "required", "required_when", "bytes", "digits", "scale", "codes", "format", "mask", "fillers", "title", "note"
}  # fmt: skip


class _Day(Strict):
    value: date
    why: Text


class _Encoding(Strict):
    value: Literal["gbk", "utf-8"]
    why: Text


class _Keys(Strict):
    value: Annotated[list[Text], Declared(min_length=1)]
    why: Text


class _Number(Strict):
    value: Annotated[int, Declared(ge=1)]
    why: Text


class _Pinned(Strict):
    value: Text
    why: Text


class _Override(Strict):
    """`<site>/specification.yml`: every line says why."""

    version: _Pinned | None = None
    fields: dict[str, dict[str, dict[str, Any]]] = Declared(default={})
    codes: dict[str, dict[str, Code]] = Declared(default={})
    keys: dict[str, _Keys] = Declared(default={})
    earliest_date: _Day | None = None
    length_encoding: _Encoding | None = None
    thresholds: dict[str, _Number] = Declared(default={})
    disable_rules: dict[str, Text] = Declared(default={})


class _SiteSheet(Sheet):
    """A site's file, asked for the places of one record: its fields and its key stand under other names there."""

    record: str = ""

    def where(self, at: Place) -> str:
        if at[:1] == ("fields",):
            return super().where(("fields", self.record, *at[1:]))
        return super().where(("keys", self.record) if at[:1] == ("key",) else ())


def changed_by(specification: Specification, path: Path, version: Version) -> Specification:
    """Apply a site's changes and check the result as if it had been written so."""
    override = declared.load(path, _Override)
    sheet = layers.sheet(path)
    records = {name: record.model_dump() for name, record in specification.records.items()}
    general = specification.general.model_dump()
    codes = {name: listed.model_dump() for name, listed in specification.code_lists.items()}
    changes: list[SiteChange] = []

    def note(place: str, text: str, why: str) -> None:
        changes.append(SiteChange(place=place, text=text, why=why))

    def record_of(name: str, at: Place) -> dict[str, Any]:
        if name not in records:
            raise sheet.mistake(at, f"{'.'.join(map(str, at))}：没有记录类型 {name}", "改正名称")
        return records[name]

    if override.version is not None:
        note("version", f"采用 {override.version.value} 版规范", override.version.why)
    for name, added in override.codes.items():
        if name not in codes:
            raise sheet.mistake(("codes", name), f"codes.{name}：没有这个代码表", "改正名称")
        for code, entry in added.items():
            codes[name]["codes"][code] = entry.title
            note(name, f"代码表 {name} 增加 {code} {entry.title}", entry.why)
    for name, fields in override.fields.items():
        record = record_of(name, ("fields", name))
        for field, change in fields.items():
            at = ("fields", name, field)
            if field not in record["fields"]:
                raise sheet.mistake(at, f"{name} 没有字段 {field}", f"改正字段名；现用 {version.name} 版规范")
            settings = dict(change)
            why = settings.pop("why", None)
            if not isinstance(why, str) or not why:
                raise sheet.mistake(at, f"{name}.{field}：缺少 why（为什么改）", "补上理由")
            for attribute in settings:
                if attribute not in _CHANGEABLE:
                    mend = f"可改的有：{'、'.join(sorted(_CHANGEABLE))}"
                    message = f"{name}.{field}.{attribute}：站点不能改这一项"
                    raise sheet.mistake((*at, attribute), message, mend)
            record["fields"][field] |= settings
            said = "，".join(
                f"{ATTRIBUTES.get(attribute, attribute)}改为{worded(value)}"
                for attribute, value in settings.items()
            )
            note(f"{name}.{field}", f"{name}.{field} {said}", why)
    for name, keys in override.keys.items():
        record_of(name, ("keys", name))["key"] = keys.value
        note(name, f"{name} 的主键改为 {'、'.join(keys.value)}", keys.why)
    for setting in ("earliest_date", "length_encoding"):
        changed = getattr(override, setting)
        if changed is not None:
            general[setting] = changed.value
            note(setting, f"{setting} 改为 {changed.value}", changed.why)
    thresholds = dict(specification.thresholds)
    for name, number in override.thresholds.items():
        if name not in thresholds:
            raise sheet.mistake(("thresholds", name), f"thresholds：没有阈值 {name}", "改正名称")
        thresholds[name] = number.value
        note(name, f"阈值 {name} 改为 {number.value}", number.why)
    ids = {rule for record in specification.records.values() for rule in record.rules}
    ids |= {rule.id for rule in specification.general.field_rules.values()}
    for rule_id, why in override.disable_rules.items():
        if rule_id not in ids:
            raise sheet.mistake(
                ("disable_rules", rule_id), f"disable_rules：没有规则 {rule_id}", "改正规则编号"
            )
        note(rule_id, f"不适用规则 {rule_id}", why)
    try:
        made = Specification.model_validate(
            {
                "general": general,
                "records": records,
                "code_lists": codes,
                "context": specification.context,
                "thresholds": thresholds,
                "disabled": override.disable_rules,
                "site_changes": changes,
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = first["loc"]
        # records.EX_….fields.NAME.attribute of the specification is fields.EX_….NAME.attribute in the site's file.
        is_field = len(place) > 3 and place[0] == "records" and place[2] == "fields"
        wrong = ("fields", place[1], *place[3:]) if is_field else place
        field = ".".join(map(str, wrong))
        raise sheet.mistake(wrong, f"{field}：{first['msg']}", "改正后再运行") from error
    for name, record_model in made.records.items():
        of_record = _SiteSheet(sheet.content, sheet.lines)
        of_record.record = name
        agree(record_model, made.code_lists, of_record, relaxed=True)
    return made
