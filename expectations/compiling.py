"""From the specification to judgements: one check of one field under one rule id, everything it needs inside."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from expectations import checks
from expectations.model import Expect, Field, FieldRule, Record, Severity, Specification
from wangting.errors import WangtingError

_FORMATS = {"sxbm": "item_code", "org_code": "org_code", "region": "region", "mobile": "mobile"}


class Judgement(BaseModel):
    """One check under one rule.

    Attributes:
        field: the official field whose value a finding shows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    rule_id: str
    family: str
    severity: Severity
    field: str
    title: str
    reason: str
    mend: str
    check: Any  # a checks.Check; its own subclass is what matters

    @property
    def key(self) -> str:
        """What names it inside its record type."""
        return f"{self.rule_id}/{self.field}/{self.check.kind}"


class _Builder:
    """Puts together the judgements of one record type."""

    def __init__(self, specification: Specification, record: Record) -> None:
        self.general, self.codes, self.record = specification.general, specification.codes, record
        self.made: list[Judgement] = []

    def base(self, name: str) -> dict[str, Any]:
        """The settings that every check of a field has."""
        field = self.record.fields[name]
        is_text = field.type == "text"
        fillers = self.general.fillers if field.fillers is None else field.fillers
        plain = is_text and field.codes is None
        return {"field": name.lower(), "is_text": is_text, "fillers": fillers if plain else []}

    def add(self, rule_id: str, rule: Any, name: str, check: checks.Check, mend: str) -> None:
        self.made.append(
            Judgement(
                rule_id=rule_id,
                family=rule.family,
                severity=rule.severity,
                field=name,
                title=rule.title,
                reason=rule.reason,
                mend=mend,
                check=check,
            )
        )

    def attribute(
        self, name: str, field: Field, attribute: str, kind: type[checks.Check], **more: Any
    ) -> None:
        """The judgement that an attribute of a field stands for."""
        rule: FieldRule | None = self.general.field_rules.get(attribute)  # type: ignore[call-overload]
        if rule is None:
            raise WangtingError(
                f"field_rules 缺少 {attribute}", place="specification.yml", mend="补上该项的规则编号和说明"
            )
        titles = self.codes.get(field.codes or "", {})
        mend = rule.mend.format(
            field=name,
            title=field.title,
            bytes=field.bytes,
            codes="、".join(f"{code} {title}" for code, title in titles.items()),
        )
        self.add(rule.id, rule, name, kind(**self.base(name), **more), mend)

    def field(self, name: str, field: Field) -> None:
        if field.required:
            self.attribute(name, field, "required", checks.Required)
        if field.type == "text":
            assert field.bytes is not None  # the loader has seen to it
            encoding = self.general.length_encoding
            self.attribute(name, field, "bytes", checks.Length, limit=field.bytes, encoding=encoding)
            self.attribute(name, field, "type", checks.Printable)
        elif field.digits is not None:
            self.attribute(name, field, "type", checks.Digits, whole=field.digits - field.scale)
        if field.codes is not None:
            self.attribute(name, field, "codes", checks.InCodes, codes=list(self.codes[field.codes]))
        if field.format == "sblsh":
            item = next(
                (column for column, each in self.record.fields.items() if each.format == "sxbm"), None
            )
            if item is not None:
                self.attribute(name, field, "sblsh", checks.CaseNumber, item=item.lower())
        elif field.format is not None:
            self.attribute(name, field, field.format, checks.Shape, shape=_FORMATS[field.format])

    def expected(self, expect: Expect) -> list[tuple[str, checks.Check]]:
        """The checks of one line of a rule, each with the field it judges."""
        if expect.check == "required_when":
            fields = {name: self.record.fields[name].required_when for name in expect.fields}
            return [
                (name, checks.Required(**self.base(name), when=_lower(when)))
                for name, when in fields.items()
                if when is not None  # a site may have dropped the condition
            ]
        base = self.base(expect.field) | {"when": _lower(expect.when), "unless": _lower(expect.unless)}
        check: checks.Check
        match expect.check:
            case "context":
                check = checks.Context(**base, of=expect.of)
            case "not_before":
                check = checks.NotBefore(**base, of=[column.lower() for column in expect.of])
            case "not_after":
                check = checks.NotAfter(**base, of=expect.of.lower())
            case "not_before_earliest":
                check = checks.NotBeforeDay(**base, day=self.general.earliest_date)
            case "equals":
                check = checks.Equals(**base, of=expect.of.lower())
            case "not_in":
                check = checks.NotIn(**base, values=expect.values)
            case "certificate":
                base["when"] = base["when"] | {expect.type_field.lower(): expect.types}
                check = checks.Shape(**base, shape=expect.number)
            case "real_name":
                check = checks.RealName(**base, names=self.general.test_names)
            case "number_date":
                check = checks.NumberDate(**base, of=expect.of.lower())
            case "number_unit":
                check = checks.NumberUnit(**base, of=expect.of.lower())
        return [(expect.field, check)]


def _lower(condition: Any) -> dict[str, list[str | bool]]:
    return {column.lower(): list(values) for column, values in condition.items()}


def judgements(specification: Specification, record: str) -> list[Judgement]:
    """Every judgement of a record type, without the rules that the site does not apply."""
    declared = specification.records[record]
    builder = _Builder(specification, declared)
    for name, field in declared.fields.items():
        builder.field(name, field)
    for rule_id, rule in declared.rules.items():
        for expect in rule.expect:
            for name, check in builder.expected(expect):
                builder.add(rule_id, rule, name, check, rule.mend)
    return [each for each in builder.made if each.rule_id not in specification.disabled]


def rule_version(specification: Specification) -> str:
    """A short hash of everything that judges: rules, limits, codes, severities, and the reading's own number."""
    judging = {
        record: [
            [each.rule_id, each.severity, each.field, each.check.kind, each.check.model_dump(mode="json")]
            for each in judgements(specification, record)
        ]
        for record in specification.exchanged
    }
    text = json.dumps([specification.general.reading, judging], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
