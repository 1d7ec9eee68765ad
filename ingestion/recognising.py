"""Which kind of record is a table, and which of the kind's fields is a column? By names, sounds, comments and values.

The kinds and their fields are the exchange specification's. What this says is a proposal for a person.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingestion.naming import initials
from wangting import clock
from wangting import specification as layers
from wangting.site import current_site

# A field's official title said otherwise, as other systems say it; the first is the official word.
_WORDS = (
    ("申办流水号", "业务号", "业务流水号", "受理编号", "办件编号", "办件号", "案件号", "流水号", "业务编号"),
    ("申办", "申请", "申报"),
    ("申办时间", "申请时间", "申请日期", "申办日期", "收件时间"),
    ("事项名称", "业务名称", "办理事项"),
    ("事项编码", "事项代码", "事项编号"),
    ("申请人名称", "申请人", "申请人姓名", "申报人"),
    ("申请人证件号码", "证件号码", "证件号", "身份证号", "身份证号码"),
    ("申请人证件类型", "证件类型", "证件类别"),
    ("申请人类型", "申请人类别"),
    ("联系人手机", "联系人手机号码", "联系电话", "手机", "联系手机", "手机号码"),
    ("联系人姓名", "联系人"),
    ("提交方式", "办理方式", "申请方式", "申办方式", "受理方式"),
    ("受理时间", "受理日期"),
    ("受理状态", "受理结果"),
    ("办结时间", "办结日期", "办完时间", "结束时间"),
    ("办结结果", "结果", "办理结果"),
    ("领取时间", "领取日期", "取件时间"),
    ("行政区划代码", "区划代码", "区划", "行政区划"),
    ("部门组织机构代码", "组织机构代码", "部门代码", "机构代码", "单位代码"),
    ("部门名称", "部门", "单位名称", "机构名称"),
    ("审批意见", "处理意见"),
    ("审批时间", "处理时间"),
    ("审批环节名称", "环节名称"),
    ("审批环节代码", "环节代码"),
)
# The catalogue of items is no record of the exchange: its columns here, with the words for them.
ITEMS = {
    "item_code": "事项编码", "item_version": "事项版本", "item_name": "事项名称", "parent_item_code": "上级事项编码",
    "subject": "事项类型", "unit_code": "部门组织机构代码", "region_code": "行政区划代码", "is_settled": "是否进驻",
    "is_online": "是否可网上办理", "online_depth": "网上办理深度", "visit_limit": "到现场次数",
    "promised_limit": "承诺时限", "promised_limit_unit": "承诺时限单位", "statutory_limit": "法定时限",
    "statutory_limit_unit": "法定时限单位", "is_immediate": "是否即办件", "person_theme_code": "个人主题代码",
    "legal_theme_code": "法人主题代码", "special_theme_code": "专题代码",
    "valid_from": "生效日期", "valid_to": "失效日期",
}  # fmt: skip
ITEM_TYPES = {
    "item_version": "int", "is_settled": "boolean", "is_online": "boolean", "online_depth": "int", "visit_limit": "int",
    "promised_limit": "int", "statutory_limit": "int", "is_immediate": "boolean",
    "valid_from": "date", "valid_to": "date",
}  # fmt: skip
_ITEM_NAMES = {"area_code": "region_code", "task_type": "subject", "dept_code": "unit_code"}
_ID_NO = re.compile(r"^[1-8]\d{5}(19|20)\d{9}[\dXx]$")
_STAGE = re.compile(r"^(申办|申请|申报|预受理|受理|审批|办结|补交告知|补交受理|领取)")
_SURE, _LIKELY, _MAYBE = 3, 2, 1
ENOUGH = 0.5  # share of a kind's telling fields that must be there for a draft of its staging


@dataclass(frozen=True)
class Field:
    """A field of a kind: our name, the official code and title, whether a record must have it, its list of codes."""

    name: str
    code: str
    title: str
    type: str
    is_required: bool
    codes: str | None = None


@dataclass(frozen=True)
class Match:
    """A column for a field.

    Attributes:
        certainty: 3 by its name, 2 by its comment or sound, 1 by its values.
        is_official: by the field's own title, not by another word for it.
        why: in Chinese.
    """

    field: str
    column: str
    certainty: int
    why: str
    is_official: bool = True


@dataclass(frozen=True)
class Kind:
    """What a table may be.

    Attributes:
        matches: field → the column for it. lacks: required fields without a column.
        share: how much of what tells the kind from others is there, 0 to 1.
    """

    kind: str
    title: str
    matches: dict[str, Match]
    lacks: list[str]
    share: float


def kinds() -> dict[str, tuple[str, list[Field]]]:
    """Kind of record → (title, fields): those of the specification in force, and the items."""
    sheets = layers.read(layers.chosen(current_site().specification_override, clock.today()))
    found: dict[str, tuple[str, list[Field]]] = {}
    for file, sheet in sheets.items():
        record: dict[str, Any] = sheet.content
        if not file.startswith("ex_gdbs_") or "kind" not in record or record.get("exchanged") is False:
            continue
        fields = [
            Field(
                str(about["name"]),
                str(code),
                str(about["title"]),
                str(about["type"]),
                bool(about.get("required")),
                about.get("codes") if isinstance(about.get("codes"), str) else None,
            )
            for code, about in record["fields"].items()
        ]
        found[str(record["kind"])] = (str(record["title"]), fields)
    items = [
        Field(name, "", title, ITEM_TYPES.get(name, "text"), name in ("item_code", "item_name", "unit_code"))
        for name, title in ITEMS.items()
    ]
    return {**found, "items": ("事项", items)}


def recognise(
    columns: Mapping[str, str], values: Mapping[str, Sequence[str]], *, hint: str = ""
) -> list[Kind]:
    """What the table may be, the likeliest first; kinds of which hardly anything is there are left out.

    Args:
        columns: column → the source's comment (or nothing).
        values: column → some of its values.
        hint: name and comment of the table.
    """
    found: list[Kind] = []
    for kind, (title, fields) in kinds().items():
        matches = _matches(fields, columns, values, kind)
        if kind == "items" and not _names_rows(matches.get("item_code"), values):
            continue  # every case names its item; a catalogue has each of them once, or once a version
        telling = [field for field in fields if field.is_required or field.type == "time"]
        share = sum(min(matches[one.name].certainty, 2) / 2 for one in telling if one.name in matches)
        score = share / max(len(telling), 1)
        stage = next((one.name for one in fields if one.type == "time"), None)
        if stage in matches and "application_no" in matches:
            score += 0.2  # of which case, and when: what makes a record of the stage
        if title in hint or kind.rstrip("s") in hint.lower():
            score += 0.25
        own = [one for one in matches if one not in ("application_no", "item_code", "region_code", "remark")]
        if len(own) >= 2:
            lacks = [one.name for one in fields if one.is_required and one.name not in matches]
            found.append(Kind(kind, title, matches, lacks, round(min(score, 1.0), 2)))
    return sorted(found, key=lambda each: (-each.share, len(each.lacks)))


def _names_rows(match: Match | None, values: Mapping[str, Sequence[str]]) -> bool:
    given = values.get(match.column, []) if match else []
    return len(set(given)) * 2 > len(given)


def _matches(
    fields: Sequence[Field], columns: Mapping[str, str], values: Mapping[str, Sequence[str]], kind: str
) -> dict[str, Match]:
    offers: list[tuple[int, bool, int, Match]] = []
    for order, field in enumerate(fields):
        for column, comment in columns.items():
            if offer := _offer(field, column, comment, values.get(column, ()), kind):
                offers.append((-offer.certainty, not offer.is_official, order, offer))
    taken: dict[str, Match] = {}
    used: set[str] = set()
    for *_, offer in sorted(offers, key=lambda each: each[:3]):
        if offer.field not in taken and offer.column not in used:
            taken[offer.field] = offer
            used.add(offer.column)
    return taken


def _offer(field: Field, column: str, comment: str, values: Sequence[str], kind: str) -> Match | None:
    name = column.lower()
    if name in (field.name, field.code.lower()) and name:
        return Match(field.name, column, _SURE, "名称相同")
    if kind == "items" and _ITEM_NAMES.get(name) == field.name:
        return Match(field.name, column, _SURE, "常用名称")
    words = _said_otherwise(field.title)
    spoken = comment or (column if re.search(r"[\u4e00-\u9fff]", column) else "")
    plain = re.sub(r"[（(].*?[）)]|\s", "", spoken)
    if plain and plain in words:
        is_own = plain in _short(field.title)
        return Match(field.name, column, _SURE if is_own else _LIKELY, f"标题为「{spoken}」", is_own)
    if len(name) >= 3 and not spoken and name in {initials(word) for word in words}:
        is_own = name in {initials(word) for word in _short(field.title)}
        return Match(field.name, column, _LIKELY, f"像「{field.title}」的拼音首字母", is_own)
    given = [value for value in values if value]
    if (
        given
        and field.name == "applicant_id_no"
        and sum(bool(_ID_NO.match(value)) for value in given) * 2 > len(given)
    ):
        return Match(field.name, column, _MAYBE, "值像身份证号码")
    return None


def _said_otherwise(title: str) -> set[str]:
    found = {title}
    for group in _WORDS:
        if title in group:
            found |= set(group)
        for word in group:
            if word in title:
                found |= {title.replace(word, other) for other in group}
    found |= {word for each in found for word in _short(each)}
    # Where a table is of one stage only, nobody writes the stage before each column's name.
    return found | {rest for each in found if len(rest := _STAGE.sub("", each)) >= 4}


def _short(title: str) -> set[str]:
    """A title, and the same without the word that says what form it has."""
    return {title, re.sub(r"(代码|名称|号码)$", "", title)} if len(title) > 4 else {title}
