"""What the province holds against one submitted record before it stores it.

Only what blocks is checked: a record that merely deserves a warning in the city's own gate is accepted here.
Everything is prepared once per record type, because one check runs some thousand times a second.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from operator import mul

from simulator.province.specification import Field, Record, Specification

# Fields that the interface carries on every record, outside the published business fields.
SYSTEM_FIELDS = frozenset({"VERSION", "REC_FLAG", "INSERTTIME", "RESPONSETIME"})
FILLERS = frozenset({"无", "1", "-", "/"})
TEST_NAMES = frozenset({"测试", "111", "test"})
# The stages whose time the province compares with the application's: the published main line of a case.
AFTER_APPLICATION = frozenset({"EX_GDBS_WSYSL", "EX_GDBS_SL", "EX_GDBS_SPCL", "EX_GDBS_BJ", "EX_GDBS_LQDJ"})
APPLICATION = "EX_GDBS_SB"
RESIDENT_CERTIFICATES = frozenset({"1", "111", "112"})
_CERTIFICATES = (("SQRZJLX", "SQRZJHM"), ("LXRZJLX", "LXRSFZJHM"), ("LQRZJLX", "LQRSFZJHM"))

_SXBM = re.compile(r"[0-9A-Z]{9}([0-9A-Z]{8}[0-9X])1[0-9][0-9]{6}")
_SBLSH = re.compile(r"[0-9A-Z]{17}[0-9X]1[0-9]{10}")
_ID = re.compile(r"[1-9][0-9]{16}[0-9X]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_OLD_ID = re.compile(r"[1-9][0-9]{14}")

Fields = Mapping[str, str]
Check = Callable[[Fields], str | None]


def is_resident_id(text: str) -> bool:
    """Whether `text` is a valid 公民身份号码 (GB 11643), of 18 or, as issued before 1999, of 15 digits."""
    text = text.upper()
    if _OLD_ID.fullmatch(text):
        return _is_date(f"19{text[6:12]}")
    if not _ID.fullmatch(text) or not _is_date(text[6:14]):
        return False
    # The digits' character codes are 48 more than their values; the weights' own sum takes that off again.
    total = sum(map(mul, _ID_WEIGHTS, text.encode())) - 48 * sum(_ID_WEIGHTS)
    return text[17] == "10X98765432"[total % 11]


@lru_cache(maxsize=4096)  # a city has some hundred
def is_organisation_code(text: str) -> bool:
    """Whether `text` is a valid 组织机构代码 of 9 characters (GB 11714)."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(sign, 36) for weight, sign in zip(weights, text, strict=False))
    return text[8] == "0123456789X0"[11 - total % 11]


def _is_date(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    # fromisoformat alone also takes week dates and a T; the interface knows one shape only.
    if len(text) != 19 or text[4] != "-" or text[7] != "-" or text[10] != " " or not text.isascii():
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return text[13] == ":" and text[16] == ":"


@dataclass(slots=True)
class _Facts:
    """What one field is held against; `quick` is the length in characters up to which no counting is needed."""

    label: str
    quick: int | None = None
    length: int = 0
    is_typed: Callable[[str], object] | None = None
    codes: frozenset[str] | None = None
    required: bool = False
    fillers: frozenset[str] = frozenset()


class Checker:
    """All checks on one record type. `reasons(fields, identify, version)` returns what is wrong, in Chinese."""

    def __init__(self, record: Record, specification: Specification) -> None:
        self.record = record
        self._specification = specification
        self._known = frozenset(record.fields) | SYSTEM_FIELDS
        self._facts = {name: self._prepare(field) for name, field in record.fields.items()}
        self._required = frozenset(name for name, facts in self._facts.items() if facts.required)
        self._checks = self._prepare_checks()

    def reasons(self, fields: Fields, identify: str, version: str) -> list[str]:
        """Everything that is wrong with the record by itself; an empty list when nothing is.

        Args:
            fields: the message's fields that are not empty.
            identify, version: as given beside the message.
        """
        found: list[str] = []
        known = self._facts
        for name, value in fields.items():
            facts = known.get(name)
            if facts is None:
                if name not in SYSTEM_FIELDS:
                    found.append(f"字段 {name[:40]} 不在规范之内")
                continue
            if facts.quick is not None and len(value) > facts.quick and self._length(value) > facts.length:
                found.append(f"{facts.label}超长：最多 {facts.length} 字节，实为 {self._length(value)} 字节")
            if facts.is_typed is not None and not facts.is_typed(value):
                found.append(f"{facts.label}格式错误")
            if facts.codes is not None and value not in facts.codes:
                found.append(f"{facts.label}的代码不在代码表内")
            if facts.required and (value in facts.fillers or value.isspace()):
                found.append(f"{facts.label}为必填项，填报了无意义的内容")
        if not fields.keys() >= self._required:
            found += [
                f"{known[name].label}为必填项，未填报"
                for name in known
                if name in self._required - fields.keys()
            ]
        for check in self._checks:
            problem = check(fields)
            if problem is not None:
                found.append(problem)
        if fields.get("VERSION", version) != version:
            found.append("报文内版本号（VERSION）与提交参数不一致")
        if "|".join([fields.get(name, "") for name in self.record.key]) != identify:
            found.append("标识（identify）与报文内主键不一致")
        return found

    def after(self, fields: Fields, applied_at: str | None) -> list[str]:
        """What is wrong with the record against the stored application of its case (None: there is none)."""
        if self.record.table == APPLICATION:
            return []
        if applied_at is None:
            return ["该申办流水号（SBLSH）没有已接收的申办信息"]
        moment = fields.get(self.record.business_time, "")
        if (
            self.record.table in AFTER_APPLICATION
            and moment < applied_at
            and self._specification.is_on("L1.order")
        ):
            return [f"{self._say(self.record.business_time)}早于申办时间 {applied_at}"]
        return []

    def _say(self, name: str) -> str:
        return _say(self.record.fields[name])

    def _length(self, value: str) -> int:
        if value.isascii():
            return len(value)
        # What the receiver's character set cannot hold becomes one question mark there.
        return len(value.encode(self._specification.encoding, "replace"))

    def _prepare(self, field: Field) -> _Facts:
        on = self._specification.is_on
        facts = _Facts(label=_say(field))
        if field.type == "text" and field.length is not None and on("N1.length"):
            # When even the widest characters would fit, nothing need be encoded to know that it does.
            widest = 2 if self._specification.encoding == "gbk" else 4
            facts.quick, facts.length = field.length // widest, field.length
        if on("N1.type"):
            facts.is_typed = _type(field)
        if on("N1.code"):
            facts.codes = field.codes
        if field.required and on("C1.required"):
            facts.required = True
            if field.type == "text" and field.codes is None and field.format is None:
                # "1" may well be somebody's code for something, as long as no list of codes is published.
                facts.fillers = FILLERS - {"1"} if field.title.endswith("代码") else FILLERS
        return facts

    def _prepare_checks(self) -> list[Check]:
        on, record = self._specification.is_on, self.record
        checks: list[Check] = []
        for f in record.fields.values():
            if f.required_when and on("C1.required") and on(_conditional_rule(f)):
                checks.append(_required_when(f))
        by_format = {f.format: f.name for f in record.fields.values() if f.format in ("sxbm", "sblsh")}
        if "sxbm" in by_format and on("N2.sxbm"):
            checks.append(_item_code(by_format["sxbm"]))
        if "sblsh" in by_format and "sxbm" in by_format and on("N2.sblsh_prefix"):
            checks.append(_case_number(by_format["sblsh"], by_format["sxbm"]))
        if record.table == APPLICATION and "sblsh" in by_format:
            if on("N2.sblsh_date"):
                checks.append(_case_date)
            if on("N2.sblsh_unit"):
                checks.append(_case_unit)
        if on("N3.id_number"):
            pairs = [pair for pair in _CERTIFICATES if pair[1] in record.fields]
            checks.extend(_certificate(kind, number, self._say(number)) for kind, number in pairs)
        if record.table == APPLICATION and on("N3.test_name"):
            checks.append(_test_name)
        if on("L1.earliest"):
            checks.append(_earliest(record, self._specification.earliest))
        return checks


def _say(field: Field) -> str:
    return f"{field.title}（{field.name}）"


def _type(field: Field) -> Callable[[str], object] | None:
    if field.type == "time":
        return _is_time
    if field.type == "integer":
        return re.compile(rf"-?[0-9]{{1,{field.digits or 18}}}").fullmatch
    if field.type == "number":
        part = rf"(\.[0-9]{{1,{field.scale}}})?" if field.scale else ""
        return re.compile(rf"-?[0-9]{{1,{(field.digits or 18) - field.scale}}}{part}").fullmatch
    return None


def _conditional_rule(field: Field) -> str:
    if not field.required_when.keys() & {"BJJGDM"}:
        return "C3.refusal_reason"
    return "C3.licence_details" if "0" in field.required_when["BJJGDM"] else "C3.return_reason"


def _required_when(field: Field) -> Check:
    conditions = tuple(field.required_when.items())
    reason = f"{_say(field)}在此情形下为必填项，未填报"

    def check(fields: Fields) -> str | None:
        if fields.get(field.name, "").strip():
            return None
        return reason if all(fields.get(other) in values for other, values in conditions) else None

    return check


def _item_code(name: str) -> Check:
    def check(fields: Fields) -> str | None:
        value = fields.get(name)
        if not value:
            return None
        match = _SXBM.fullmatch(value)
        if match is None:
            return f"事项编码（{name}）结构错误：应为 26 位"
        if not is_organisation_code(match[1]):
            return f"事项编码（{name}）内的组织机构代码校验位错误"
        return None

    return check


def _case_number(name: str, item: str) -> Check:
    def check(fields: Fields) -> str | None:
        value = fields.get(name)
        if not value:
            return None
        if not _SBLSH.fullmatch(value):
            return f"申办流水号（{name}）结构错误：应为 29 位"
        if value[:19] != fields.get(item, "")[:19]:
            return f"申办流水号（{name}）前 19 位与事项编码（{item}）不一致"
        return None

    return check


def _case_date(fields: Fields) -> str | None:
    number, moment = fields.get("SBLSH", ""), fields.get("SBSJ", "")
    if number and moment and number[19:25] != moment[2:4] + moment[5:7] + moment[8:10]:
        return "申办流水号（SBLSH）内的日期与申办时间（SBSJ）不一致"
    return None


def _case_unit(fields: Fields) -> str | None:
    number, unit = fields.get("SBLSH", ""), fields.get("SBBMZZJGDM", "")
    if number and unit and number[9:18] != unit:
        return "申办流水号（SBLSH）内的组织机构代码与申办部门（SBBMZZJGDM）不一致"
    return None


def _certificate(kind: str, number: str, label: str) -> Check:
    def check(fields: Fields) -> str | None:
        value = fields.get(number)
        if value and fields.get(kind) in RESIDENT_CERTIFICATES and not is_resident_id(value):
            return f"{label}不是有效的公民身份号码"
        return None

    return check


def _test_name(fields: Fields) -> str | None:
    return "申请人名称（SQRMC）为测试数据" if fields.get("SQRMC", "").strip().lower() in TEST_NAMES else None


def _earliest(record: Record, earliest: str) -> Check:
    name = record.business_time
    reason = f"{_say(record.fields[name])}早于 {earliest[:10]}"

    def check(fields: Fields) -> str | None:
        value = fields.get(name)
        return reason if value and value < earliest else None

    return check
