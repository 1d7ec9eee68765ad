"""What a version's files say must hold together: names that exist, codes in their lists, no name used twice."""

import re
from typing import Any

from expectations.model import CodeList, Condition, General, Record
from wangting.specification import Place, Sheet

_CONTEXT = re.compile(r"^(ctx_[a-z_]+|cut_at)$")


def agree_together(
    general: General, records: dict[str, Record], sheet: Sheet, named: dict[str, Sheet]
) -> None:
    """What the files of a version say of each other must hold together."""
    for position, name in enumerate(general.order):
        if name not in records:
            raise sheet.mistake(
                ("order", position),
                f"order 中的 {name} 没有对应的文件",
                f"补上 {name.lower()}.yml，或从 order 中去掉",
            )
        if not records[name].exchanged:
            raise sheet.mistake(
                ("order", position), f"order 中的 {name} 不交换（exchanged: false）", "从 order 中去掉"
            )
        if general.order.index(name) != position:
            raise sheet.mistake(("order", position), f"order 中的 {name} 写了两次", "只留一处")
    rules = {rule.id for rule in general.field_rules.values()}
    kinds: dict[str, str] = {}
    for name, record in records.items():
        rules |= record.rules.keys()
        if record.exchanged and name not in general.order:
            raise named[name].mistake(
                ("record",), f"{name} 不在 order 之中", "写入 order，或写明 exchanged: false"
            )
        if record.exchanged and record.business_time is None:
            raise named[name].mistake(("record",), f"{name} 缺少 business_time", "补上业务时间的字段")
        if record.parent is not None and record.parent not in records:
            raise named[name].mistake(("parent",), f"parent：没有记录类型 {record.parent}", "改正名称")
        if record.kind in kinds:
            raise named[name].mistake(
                ("kind",), f"kind：{record.kind} 已是 {kinds[record.kind]} 的名称", "换一个名称"
            )
        kinds[record.kind] = name
    for rule in general.shared_titles:
        if rule not in rules:
            raise sheet.mistake(("shared_titles", rule), f"shared_titles：没有规则 {rule}", "改正规则编号")
    for field, carried in general.transport_fields.items():
        for name in carried.records or []:
            if name not in records:
                raise sheet.mistake(
                    ("transport_fields", field, "records"),
                    f"transport_fields.{field}：没有记录类型 {name}",
                    "改正名称",
                )
        for name, record in records.items():
            if field in record.fields and (carried.records is None or name in carried.records):
                raise named[name].mistake(
                    ("fields", field), f"{name}.{field}：是传输字段，不由业务填写", "从 fields 中去掉"
                )


def agree(record: Record, codes: dict[str, CodeList], sheet: Sheet, *, relaxed: bool = False) -> None:
    """What one file says about its own fields must hold together; `relaxed`: a site may drop a condition."""

    def known(name: str, at: Place, *, context: bool = False) -> None:
        if name not in record.fields and not (context and _CONTEXT.match(name)):
            raise sheet.mistake(at, f"{'.'.join(map(str, at))}：没有字段 {name}", "改正字段名")

    def condition(condition: Condition, at: Place) -> None:
        for column, values in condition.items():
            known(column, (*at, column), context=True)
            field = record.fields.get(column)
            among(field.codes if field else None, values, (*at, column))

    def among(name: str | None, values: list[Any], at: Place) -> None:
        listed = codes[name].codes if name is not None else dict.fromkeys(values, "")
        for value in values:
            if value not in listed:
                raise sheet.mistake(
                    at, f"{'.'.join(map(str, at))}：代码表 {name} 没有代码 {value}", "改正代码"
                )

    for name in [*record.key, *([record.business_time] if record.business_time else [])]:
        known(name, ("key" if name in record.key else "business_time",))
    ours: dict[str, str] = {}
    for name, field in record.fields.items():
        if field.codes is not None and field.codes not in codes:
            raise sheet.mistake(
                ("fields", name, "codes"),
                f"{name}.codes：没有代码表 {field.codes}",
                "改正名称，或补上代码表",
            )
        if field.type == "text" and field.bytes is None:
            raise sheet.mistake(("fields", name), f"{name}.bytes：文字字段缺少字节长度", "补上 bytes")
        if field.name in ours:
            message = f"{name}.name：{field.name} 已是 {ours[field.name]} 的名称"
            raise sheet.mistake(("fields", name, "name"), message, "换一个名称")
        ours[field.name] = name
    if record.business_time and record.fields[record.business_time].type != "time":
        raise sheet.mistake(
            ("business_time",), f"business_time：{record.business_time} 不是时间字段", "改正字段名"
        )
    for name, field in record.fields.items():
        for column, values in (field.required_when or {}).items():
            at = ("fields", name, "required_when")
            known(column, at)
            among(record.fields[column].codes, values, at)
    conditional = {name for name, field in record.fields.items() if field.required_when}
    for rule_id, rule in record.rules.items():
        for expect in rule.expect:
            at = ("rules", rule_id, "expect")
            if expect.check == "required_when":
                for name in expect.fields:
                    known(name, at)
                    if record.fields[name].required_when is None and not relaxed:
                        message = f"{rule_id}：字段 {name} 没有写 required_when"
                        raise sheet.mistake(at, message, "在字段上补写条件")
                conditional -= set(expect.fields)
                continue
            known(expect.field, at)
            condition(expect.when, (*at, "when"))
            condition(expect.unless, (*at, "unless"))
            if expect.check == "not_in" and expect.field in record.fields:
                among(record.fields[expect.field].codes, expect.values, at)
            if expect.check == "certificate":
                known(expect.type_field, at)
                among(record.fields[expect.type_field].codes, expect.types, at)
            named = getattr(expect, "type_field", None) or getattr(expect, "of", [])
            for column in [named] if isinstance(named, str) else named:
                known(column, at, context=True)
    if conditional:
        name = min(conditional)
        at = ("fields", name, "required_when")
        raise sheet.mistake(at, f"{name}.required_when：没有规则引用它", "在 rules 中加 check: required_when")
