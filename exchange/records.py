"""The ten record types as this room needs them: in the order of sending, with their fields as they go on the wire."""

from dataclasses import dataclass

APPLICATION = "EX_GDBS_SB"


@dataclass(frozen=True)
class Field:
    """A field on the wire: official name, title, type (text, time, integer, number), how it is masked."""

    official: str
    title: str
    type: str
    mask: str | None

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
    """

    record: str
    title: str
    stage: int
    fields: tuple[Field, ...]

    @property
    def table(self) -> str:
        """Its exchange model, and the name of its file in a batch."""
        return self.record.lower()


def record_types() -> list[RecordType]:
    """The record types that are sent, as the active site's specification has them, in the order of sending.

    Raises:
        WangtingError: the specification has a mistake; the error names file, line and field.
    """
    from expectations.loading import site_specification

    return [
        RecordType(
            record=name,
            title=record.title,
            stage=stage,
            fields=tuple(
                Field(official, field.title, field.type, field.mask)
                for official, field in record.fields.items()
            ),
        )
        for stage, (name, record) in enumerate(site_specification().exchanged.items())
    ]


def rule_titles() -> dict[str, str]:
    """Rule id → its Chinese title, for what people read."""
    from expectations.loading import site_specification

    specification = site_specification()
    titles = {rule.id: rule.title for rule in specification.general.field_rules.values()}
    for record in specification.records.values():
        for rule_id, rule in record.rules.items():
            titles.setdefault(rule_id, rule.title)
    return titles
