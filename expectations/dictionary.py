"""The data dictionary: what a version of the specification says, as tables; as one HTML page and as a workbook.

The page needs nothing from anywhere: no script, no font, no picture. Both show the same tables.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from expectations.compiling import judgements
from expectations.differing import ATTRIBUTES, CHANGES, SUBJECTS, Difference, differences, worded
from expectations.model import Field, Record, Rule, Specification
from wangting.errors import WangtingError

TYPES = {"text": "文字", "time": "时间", "integer": "整数", "number": "数值"}
SEVERITIES = {"block": "阻断", "warn": "提醒", "info": "提示"}
CONFIDENCES = {"high": "高", "medium": "中", "low": "低"}
SOURCES = {"seen": "已见", "derived": "推断", "memory": "常识", "default": "约定"}
SOURCE_MEANINGS = {
    "已见": "见于规范的公开目录，或公开的同一接口实现",
    "推断": "由真实样例或现有来源系统的数据推断",
    "常识": "依据国家标准和一般知识，未见本规范的明文",
    "约定": "未见明文，按同类字段或本产品的约定，待换成正式文本",
}
SEVERITY_MEANINGS = {
    "阻断": "暂不推送，更正后自动重新推送",
    "提醒": "照常推送，同时通报",
    "提示": "照常推送，只作参考",
}
FILLED_BY = {"outbox": "本系统推送时填写", "receiver": "省网填写", "front_end": "前置机的接收方填写"}
_FORMATS = {
    "sblsh": "申办流水号（29 位）", "sxbm": "事项编码（26 位）", "org_code": "组织机构代码（9 位）",
    "region": "行政区划代码（12 位）", "mobile": "手机号码（11 位）",
}  # fmt: skip
_SITE = "本站点改动"


@dataclass
class FieldLine:
    """One field, every cell as text. `site` is what the site changed and why; `since` the version that brought it."""

    name: str
    title: str
    column: str
    type: str
    length: str
    required: str
    codes: str
    checks: str
    source: str
    confidence: str
    since: str
    note: str
    site: str = ""


@dataclass
class RuleLine:
    """One rule of one record type, or (record empty) one that an attribute of any field stands for."""

    record: str
    rule_id: str
    family: str
    severity: str
    title: str
    fields: str
    reason: str
    mend: str
    site: str = ""


@dataclass
class RecordLine:
    """One record type with its fields and rules."""

    name: str
    title: str
    number: str
    kind: str
    key: str
    business_time: str
    parent: str
    exchanged: str
    note: str
    fields: list[FieldLine] = field(default_factory=list)
    rules: list[RuleLine] = field(default_factory=list)
    site: str = ""


@dataclass
class Dictionary:
    """Everything the page and the workbook show."""

    title: str
    version: str
    validity: str
    source: str
    facts: list[tuple[str, str]]
    records: list[RecordLine]
    field_rules: list[RuleLine]
    transport: list[tuple[str, ...]]
    code_lists: list[tuple[str, str, str, str, list[tuple[str, str, str]]]]
    news: list[tuple[str, ...]]
    site: list[tuple[str, str]]
    site_name: str


def dictionary(
    specification: Specification, plain: Specification, older: list[Specification], site: str
) -> Dictionary:
    """The tables of a version as a site applies it.

    Args:
        specification: with the site's changes. plain: the same version without them.
        older: the versions before it, oldest first; what they have not is marked as new.
        site: the site's title.
    """
    general = specification.general
    until = f"至 {general.valid_until} 前" if general.valid_until else "起，现行"
    changed: dict[str, str] = {}
    for change in specification.site_changes:
        said = f"{change.text}（{change.why}）"
        changed[change.place] = f"{changed[change.place]}；{said}" if change.place in changed else said
    since: dict[str, str] = {}
    for version in [*older, plain]:
        for name, record in version.records.items():
            for official in record.fields:
                since.setdefault(f"{name}.{official}", version.general.version)
    encoding = {"gbk": "GBK（汉字 2 字节）", "utf-8": "UTF-8（汉字 3 字节）"}[general.length_encoding]
    return Dictionary(
        title=general.title,
        version=general.version,
        validity=f"{general.valid_from} {until}",
        source=general.source,
        facts=[
            ("长度的计算", encoding),
            ("最早的业务日期", str(general.earliest_date)),
            ("视为未填的内容", "、".join(f"「{filler}」" for filler in general.fillers)),
            ("报送顺序", " → ".join(specification.records[name].title for name in general.order)),
            *((f"阈值 {name}", str(value)) for name, value in specification.thresholds.items()),
        ],
        records=[_record(specification, record, since, changed) for record in specification.records.values()],
        field_rules=[
            RuleLine(
                "", rule.id, rule.family, SEVERITIES[rule.severity], rule.title, "各字段", rule.reason,
                rule.mend.format(field="字段名", title="该项", bytes="规定的", codes="见代码表"),
                changed.get(rule.id, ""),
            )
            for rule in general.field_rules.values()
        ],
        transport=[
            (
                name, each.title, TYPES[each.type], str(each.bytes or each.digits or ""), FILLED_BY[each.filled_by],
                "、".join(each.records) if each.records else "全部", SOURCES[each.source],
                CONFIDENCES[each.confidence], each.note or "",
            )
            for name, each in general.transport_fields.items()
        ],
        code_lists=[
            (
                name, listed.title, SOURCES[listed.source], listed.note or "",
                [
                    (code, title, _SITE if code not in plain.code_lists[name].codes else "")
                    for code, title in listed.codes.items()
                ],
            )
            for name, listed in specification.code_lists.items()
        ],
        news=[
            (
                SUBJECTS[each.subject], each.place, CHANGES[each.change], ATTRIBUTES.get(each.attribute or "", ""),
                _was(each, each.old), _was(each, each.new),
            )
            for each in (differences(older[-1], plain) if older else [])
        ],
        site=[(change.text, change.why) for change in specification.site_changes],
        site_name=site,
    )  # fmt: skip


def _was(each: Difference, value: Any) -> str:
    if value is None and each.change != "changed":
        return ""
    return "全部" if value is None and each.attribute == "records" else worded(value)


def _record(
    specification: Specification, record: Record, since: dict[str, str], changed: dict[str, str]
) -> RecordLine:
    name = record.record
    checks: dict[str, list[str]] = {}
    for each in judgements(specification, name):
        if each.rule_id not in checks.setdefault(each.field, []):
            checks[each.field].append(each.rule_id)

    def named(official: str) -> str:
        return f"{record.fields[official].title}（{official}）"

    return RecordLine(
        name=name,
        title=record.title,
        number="" if record.number is None else str(record.number),
        kind=record.kind,
        key="、".join(map(named, record.key)),
        business_time=named(record.business_time) if record.business_time else "",
        parent=record.parent or "",
        exchanged="推送" if record.exchanged else f"不推送：{record.unexchanged_because}",
        note=record.note or "",
        fields=[
            FieldLine(
                official, each.title, each.name, TYPES[each.type], _length(each), _required(record, each),
                each.codes or "", "、".join(checks.get(official, [])), SOURCES[each.source or record.source],
                CONFIDENCES[each.confidence], since.get(f"{name}.{official}", ""), _note(each),
                changed.get(f"{name}.{official}", ""),
            )
            for official, each in record.fields.items()
        ],
        rules=[
            RuleLine(
                name, rule_id, rule.family, SEVERITIES[rule.severity], rule.title, _judged(rule), rule.reason,
                rule.mend, changed.get(rule_id, ""),
            )
            for rule_id, rule in record.rules.items()
        ],
        site=changed.get(name, ""),
    )  # fmt: skip


def _length(each: Field) -> str:
    if each.type == "text":
        return f"{each.bytes} 字节"
    if each.type == "time":
        return "19 字节"  # as worded on the wire: yyyy-MM-dd HH:mm:ss
    whole = each.digits or 0
    return (
        f"{whole - each.scale} 位整数 {each.scale} 位小数" if each.scale else f"{whole} 位" if whole else ""
    )


def _required(record: Record, each: Field) -> str:
    if each.required:
        return "必填"
    if not each.required_when:
        return ""
    parts = [
        f"{record.fields[column].title}为 {'、'.join(values)} 时"
        for column, values in each.required_when.items()
    ]
    return "，且".join(parts) + "必填"


def _note(each: Field) -> str:
    parts = [_FORMATS[each.format]] if each.format else []
    return "；".join([*parts, *([each.note] if each.note else [])])


def _judged(rule: Rule) -> str:
    """The fields that a rule judges."""
    found: list[str] = []
    for expect in rule.expect:
        found += expect.fields if expect.check == "required_when" else [expect.field]
    return "、".join(dict.fromkeys(found))


def page(tables: Dictionary, made_on: date) -> str:
    """The dictionary as one HTML page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("dictionary.html.j2").render(
        told=tables, made_on=made_on, sources=SOURCE_MEANINGS, severities=SEVERITY_MEANINGS, site_mark=_SITE
    )


_SHEETS: dict[str, list[tuple[str, int]]] = {
    "记录类型": [
        ("记录", 18), ("名称", 16), ("编号", 6), ("英文名", 28), ("主键", 44), ("业务时间", 26), ("上级记录", 14),
        ("字段数", 8), ("规则数", 8), ("推送", 40), ("说明", 40), (_SITE, 40),
    ],
    "字段": [
        ("记录", 18), ("记录名称", 14), ("字段", 20), ("名称", 24), ("英文名", 26), ("类型", 8), ("长度", 18),
        ("必填", 26), ("代码表", 22), ("校验规则", 34), ("来源", 8), ("把握", 8), ("版本", 8), ("说明", 44),
        (_SITE, 44),
    ],
    "代码表": [("代码表", 24), ("名称", 18), ("代码", 8), ("含义", 36), ("来源", 8), ("说明", 44), (_SITE, 14)],
    "规则": [
        ("规则", 30), ("记录", 18), ("记录名称", 14), ("类别", 10), ("级别", 8), ("要求", 44), ("字段", 26),
        ("缘由", 48), ("整改办法", 52), (_SITE, 40),
    ],
}  # fmt: skip


def rows(tables: Dictionary) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the workbook's sheets, each as wide as its header."""
    titles = {record.name: record.title for record in tables.records}
    of_fields = [
        (each.rule_id, "全部", "", each.family, each.severity, each.title, each.fields, each.reason, each.mend,
         each.site)
        for each in tables.field_rules
    ]  # fmt: skip
    return {
        "记录类型": [
            (each.name, each.title, each.number, each.kind, each.key, each.business_time, each.parent,
             len(each.fields), len(each.rules), each.exchanged, each.note, each.site)
            for each in tables.records
        ],
        "字段": [
            (record.name, record.title, each.name, each.title, each.column, each.type, each.length, each.required,
             each.codes, each.checks, each.source, each.confidence, each.since, each.note, each.site)
            for record in tables.records
            for each in record.fields
        ],
        "代码表": [
            (name, title, code, meaning, source, note, site)
            for name, title, source, note, codes in tables.code_lists
            for code, meaning, site in codes
        ],
        "规则": [
            *of_fields,
            *(
                (each.rule_id, each.record, titles[each.record], each.family, each.severity, each.title, each.fields,
                 each.reason, each.mend, each.site)
                for record in tables.records
                for each in record.rules
            ),
        ],
    }  # fmt: skip


def workbook(tables: Dictionary, path: Path) -> None:
    """Write the dictionary as an XLSX workbook: a sheet a table, header frozen, widths set, filters on.

    Raises:
        WangtingError: the file cannot be written.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    made = Workbook()
    made.remove(made.worksheets[0])
    head = PatternFill("solid", fgColor="1F4E79")
    mark = PatternFill("solid", fgColor="FFF2CC")
    for name, lines in rows(tables).items():
        sheet = made.create_sheet(name)
        columns = _SHEETS[name]
        sheet.append([title for title, _ in columns])
        for line in lines:
            sheet.append(line)
            if line[-1]:
                for cell in sheet[sheet.max_row]:
                    cell.fill = mark
        for cells in sheet.iter_rows(min_row=2):
            for cell in cells:
                cell.alignment = Alignment(vertical="top", wrap_text=True)
                if isinstance(cell.value, str):
                    cell.data_type = "s"  # a code is text, and nothing here is a formula
        for position, (_, width) in enumerate(columns, 1):
            sheet.column_dimensions[get_column_letter(position)].width = width
            cell = sheet.cell(1, position)
            cell.font, cell.fill = Font(bold=True, color="FFFFFF"), head
            cell.alignment = Alignment(vertical="center")
        sheet.row_dimensions[1].height = 22
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = sheet.dimensions
    try:
        made.save(path)
    except OSError as error:
        raise WangtingError(
            f"数据字典写不进去（{error.strerror}）", place=str(path), mend="核对目录和权限"
        ) from error
