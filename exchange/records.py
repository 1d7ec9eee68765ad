"""The ten record types as this room needs them: in the order of sending, with their fields as they go on the wire."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from expectations.model import Specification
from wangting.site import current_site

APPLICATION = "EX_GDBS_SB"


@dataclass(frozen=True)
class Field:
    """A field on the wire: official name, title, type (text, time, integer, number), how it is masked.

    Attributes:
        codes: the name of its code list. length: in bytes. digits, scale: of numbers.
    """

    official: str
    title: str
    type: str
    mask: str | None
    codes: str | None = None
    length: int | None = None
    digits: int | None = None
    scale: int = 0

    @property
    def column(self) -> str:
        """Its column in the exchange models and batches."""
        return self.official.lower()


@dataclass(frozen=True)
class RecordType:
    """One record type.

    Attributes:
        record: its official name, EX_GDBS_SB.
        stage: its position in the order of sending, from 0.
        fields: in the order of the specification.
        number: its number in the specification; None: it has none. key: the official fields that name a record.
        business_time: the official field whose time the record stands for.
    """

    record: str
    title: str
    stage: int
    fields: tuple[Field, ...]
    number: int | None = None
    key: tuple[str, ...] = ()
    business_time: str | None = None

    @property
    def table(self) -> str:
        """Its exchange model, and the name of its file in a batch."""
        return self.record.lower()


def _specification() -> Specification:
    """The active site's specification, read once and again on another day or when one of its files changes."""
    from expectations import loading
    from wangting import clock

    override = current_site().specification_override
    files = [*loading.FOLDER.glob("*/*.yml"), *([override] if override else [])]
    return _read(override, max(file.stat().st_mtime_ns for file in files), clock.today())


@lru_cache(maxsize=4)
def _read(override: Path | None, _stamp: int, on: date) -> Specification:
    from expectations.loading import load_specification

    return load_specification(override=override, on=on)


def record_types() -> list[RecordType]:
    """The record types that are sent, as the active site's specification has them, in the order of sending.

    Raises:
        WangtingError: the specification has a mistake; the error names file, line and field.
    """
    return [
        RecordType(
            record=name,
            title=record.title,
            stage=stage,
            fields=tuple(
                Field(
                    official,
                    field.title,
                    field.type,
                    field.mask,
                    field.codes,
                    field.bytes,
                    field.digits,
                    field.scale,
                )
                for official, field in record.fields.items()
            ),
            number=record.number,
            key=tuple(record.key),
            business_time=record.business_time,
        )
        for stage, (name, record) in enumerate(_specification().exchanged.items())
    ]


def code_lists() -> dict[str, dict[str, str]]:
    """The specification's code lists with the site's additions: list → code → title."""
    return _specification().codes


def rule_mends() -> dict[tuple[str, str], str]:
    """(record type, rule id) → what the unit that owes it is to do; of a rule on many fields without their names."""
    specification = _specification()
    told = {}
    for name, record in specification.records.items():
        for rule in specification.general.field_rules.values():
            said = rule.mend.replace("{title}（{field}）", "所涉字段").replace("（{codes}）", "")
            told[name, rule.id] = said.replace(" {bytes} ", "规定的")
        told |= {(name, rule_id): rule.mend for rule_id, rule in record.rules.items()}
    return told


def rule_titles() -> dict[str, str]:
    """Rule id → its Chinese title, for what people read."""
    specification = _specification()
    titles = {rule.id: rule.title for rule in specification.general.field_rules.values()}
    for record in specification.records.values():
        for rule_id, rule in record.rules.items():
            titles.setdefault(rule_id, rule.title)
    return titles | specification.general.shared_titles
