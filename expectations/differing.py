"""What differs between two versions of the specification, or between a version and what a site makes of it."""

import json
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from expectations.model import Specification

Subject = Literal["general", "transport_field", "record", "field", "code_list", "code", "rule"]
SUBJECTS: dict[Subject, str] = {
    "general": "总则",
    "transport_field": "传输字段",
    "record": "记录类型",
    "field": "字段",
    "code_list": "代码表",
    "code": "代码",
    "rule": "规则",
}
CHANGES = {"added": "新增", "removed": "取消", "changed": "改动"}
ATTRIBUTES = {
    "name": "英文名",
    "title": "名称",
    "type": "类型",
    "bytes": "字节长度",
    "digits": "位数",
    "scale": "小数位",
    "required": "必填",
    "required_when": "必填条件",
    "codes": "代码表",
    "format": "格式",
    "mask": "脱敏方式",
    "fillers": "充数的内容",
    "confidence": "把握",
    "source": "来源",
    "note": "说明",
    "severity": "级别",
    "reason": "缘由",
    "mend": "整改办法",
    "expect": "要求",
    "family": "类别",
    "disabled": "不适用",
    "key": "主键",
    "parent": "上级记录",
    "business_time": "业务时间",
    "length_encoding": "长度编码",
    "earliest_date": "最早日期",
    "test_names": "测试名称",
    "order": "报送顺序",
    "records": "所在记录",
    "filled_by": "填写方",
    "exchanged": "是否交换",
    "unexchanged_because": "不交换的原因",
    "thresholds": "阈值",
    "reading": "读法",
    "kind": "英文名",
    "number": "编号",
}
_OWN = {"version", "base", "title", "valid_from", "valid_until", "source"}
_ELSEWHERE = {"transport_fields", "field_rules", "shared_titles"}
_Parts = dict[tuple[Subject, str], dict[str, Any]]


class Difference(BaseModel):
    """One difference.

    Attributes:
        place: RECORD, RECORD.FIELD, list, list.code, rule id or RECORD/rule id.
        attribute: what of it changed; None: the whole was added or removed.
        old, new: as plain data; of what was added or removed, its title.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    subject: Subject
    place: str
    change: Literal["added", "removed", "changed"]
    attribute: str | None = None
    old: Any = None
    new: Any = None


def differences(old: Specification, new: Specification) -> list[Difference]:
    """Everything that differs, in the order of the subjects and of the old specification, what was added last.

    What a whole record or code list brings is not listed once more part by part.
    """
    before, after = _parts(old), _parts(new)
    found: list[Difference] = []
    for part in [*before, *(part for part in after if part not in before)]:
        subject, place = part
        if part not in after or part not in before:
            gone, come = before.get(part), after.get(part)
            whole = _whole(subject, place)
            if (whole in before and whole in after) or whole not in before.keys() | after.keys():
                found.append(
                    Difference(
                        subject=subject,
                        place=place,
                        change="removed" if come is None else "added",
                        old=gone and gone.get("title"),
                        new=come and come.get("title"),
                    )
                )
            continue
        was, became = before[part], after[part]
        found += [
            Difference(
                subject=subject,
                place=place,
                change="changed",
                attribute=attribute,
                old=was.get(attribute),
                new=became.get(attribute),
            )
            for attribute in dict.fromkeys([*was, *became])
            if was.get(attribute) != became.get(attribute)
        ]
    ranks = list(SUBJECTS)
    return sorted(found, key=lambda each: ranks.index(each.subject))


def _whole(subject: Subject, place: str) -> tuple[Subject, str] | None:
    """The record or code list that a part belongs to; None: it stands for itself."""
    if subject in ("field", "rule"):
        return "record", re.split(r"[./]", place, maxsplit=1)[0]
    return ("code_list", place.partition(".")[0]) if subject == "code" else None


def _parts(specification: Specification) -> _Parts:
    """A specification taken apart: subject and place → its attributes."""
    general = specification.general.model_dump(mode="json")
    parts: _Parts = {
        ("general", name): {name: value}
        for name, value in general.items()
        if name not in _OWN and name not in _ELSEWHERE
    }
    parts |= {
        ("general", f"thresholds.{name}"): {"thresholds": value}
        for name, value in specification.thresholds.items()
    }
    parts |= {("transport_field", name): about for name, about in general["transport_fields"].items()}
    disabled = specification.disabled
    for attribute, about in general["field_rules"].items():
        more = {"disabled": disabled.get(about["id"])}
        parts["rule", f"{about['id']}/{attribute}"] = {
            key: value for key, value in about.items() if key != "id"
        } | more
    for name, record in specification.records.items():
        declared = record.model_dump(mode="json")
        fields, rules = declared.pop("fields"), declared.pop("rules")
        parts["record", name] = declared
        parts |= {("field", f"{name}.{field}"): about for field, about in fields.items()}
        parts |= {
            ("rule", f"{name}/{rule}"): about | {"disabled": disabled.get(rule)}
            for rule, about in rules.items()
        }
    for name, listed in specification.code_lists.items():
        about = listed.model_dump(mode="json")
        codes = about.pop("codes")
        parts["code_list", name] = about
        parts |= {("code", f"{name}.{code}"): {"title": title} for code, title in codes.items()}
    return parts


def worded(value: Any) -> str:
    """A value as people read it."""
    if value is None or value == "":
        return "（无）"
    if isinstance(value, dict) and value and all(isinstance(each, list) for each in value.values()):
        return "，且".join(f"{name} 为{worded(values)}" for name, values in value.items())
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "、".join(value) or "（无）"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
