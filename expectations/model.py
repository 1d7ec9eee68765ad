"""The exchange specification as validated types: records, fields, code lists, rules, the closed vocabulary."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Declared

Severity = Literal["block", "warn", "info"]
Format = Literal["sblsh", "sxbm", "org_code", "region", "mobile"]
Mask = Literal["name", "identifier", "phone", "text"]
Text = Annotated[str, Declared(min_length=1)]

# Column → the values at which it applies: official fields by their name, context columns (ctx_…) by theirs.
Condition = dict[str, list[str | bool]]


class Strict(BaseModel):
    """Everything declared is closed: an unknown key is an error, never absorbed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Field(Strict):
    """One field of a record type.

    Attributes:
        name: our English column.
        bytes: the longest value in bytes, in the specification's length encoding.
        digits, scale: of numbers: all digits, and those behind the point.
        required_when: other field → values at which this one must be given; a rule of the record names its rule id.
        codes: name of the code list.
        confidence: how sure the reconstruction is of this field.
        mask: how a value is shown outside the working files; None: as it is.
        fillers: values that count as not given here, where they differ from the specification's.
    """

    name: Text
    title: Text
    type: Literal["text", "time", "integer", "number"]
    bytes: int | None = Declared(default=None, gt=0)
    digits: int | None = Declared(default=None, gt=0)
    scale: int = 0
    required: bool = False
    required_when: dict[str, list[str]] | None = None
    codes: str | None = None
    format: Format | None = None
    mask: Mask | None = None
    fillers: list[str] | None = None
    confidence: Literal["high", "medium", "low"]
    source: str | None = None
    note: str | None = None


class _OnField(Strict):
    """A check of one field; it does not judge a record in which that field is not given."""

    field: Text
    when: Condition = {}
    unless: Condition = {}


class ExpectContext(_OnField):
    """The context column `of` is true."""

    check: Literal["context"]
    of: Text


class ExpectNotBefore(_OnField):
    """The time is not before any of the context times that are known."""

    check: Literal["not_before"]
    of: list[Text] = Declared(min_length=1)


class ExpectNotAfter(_OnField):
    """The time is not after the time in column `of`."""

    check: Literal["not_after"]
    of: Text


class ExpectNotBeforeEarliest(_OnField):
    """The time is not before the specification's (or the site's) earliest date."""

    check: Literal["not_before_earliest"]


class ExpectEquals(_OnField):
    """The value equals that of the context column, where that is known."""

    check: Literal["equals"]
    of: Text


class ExpectNotIn(_OnField):
    """The value is none of these."""

    check: Literal["not_in"]
    values: list[str] = Declared(min_length=1)


class ExpectCertificate(_OnField):
    """A certificate number whose type is one of `types` is well formed and its check digit right."""

    check: Literal["certificate"]
    number: Literal["id_number", "org_code", "credit_code"]
    type_field: Text
    types: list[str] = Declared(min_length=1)


class ExpectRealName(_OnField):
    """The name is not that of a test."""

    check: Literal["real_name"]


class ExpectNumberDate(_OnField):
    """The date inside the case number is the day of the time field `of`."""

    check: Literal["number_date"]
    of: Text


class ExpectNumberUnit(_OnField):
    """The organisation code inside the case number is that of field `of`."""

    check: Literal["number_unit"]
    of: Text


class ExpectRequiredWhen(Strict):
    """The fields are given wherever their own `required_when` applies."""

    check: Literal["required_when"]
    fields: list[Text] = Declared(min_length=1)


Expect = Annotated[
    ExpectContext
    | ExpectNotBefore
    | ExpectNotAfter
    | ExpectNotBeforeEarliest
    | ExpectEquals
    | ExpectNotIn
    | ExpectCertificate
    | ExpectRealName
    | ExpectNumberDate
    | ExpectNumberUnit
    | ExpectRequiredWhen,
    Declared(discriminator="check"),
]


class Rule(Strict):
    """A rule of one record type: what is expected, how bad it is when not, and how the owing unit mends it."""

    family: Text
    title: Text
    severity: Severity
    expect: list[Expect]
    mend: Text

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("expect"), dict):
            return {**value, "expect": [value["expect"]]}
        return value


class FieldRule(Strict):
    """The rule that an attribute of a field stands for (required, bytes, codes, a format …)."""

    id: Text
    family: Text
    title: Text
    severity: Severity
    mend: Text


class Record(Strict):
    """One record type.

    Attributes:
        number: its number on the wire; None for attachments.
        kind: our English plural, as in the intermediate models.
        key: the fields that name a record of this type.
        business_time: the field whose time the record stands for.
        parent: the record type that must have been acknowledged first.
        exchanged: False: landed and staged only.
    """

    record: Text
    title: Text
    number: int | None = None
    kind: Text
    key: list[Text] = Declared(min_length=1)
    business_time: str | None = None
    parent: str | None = None
    exchanged: bool = True
    source: str | None = None
    fields: dict[str, Field] = Declared(min_length=1)
    rules: dict[str, Rule] = {}


class Code(Strict):
    """A code that a site adds, and why."""

    title: Text
    why: Text


class General(Strict):
    """What holds for all record types of a version.

    Attributes:
        reading: raised when the code of a check changes its judgement: what is held is then judged anew.
    """

    version: Text
    reading: int = Declared(default=1, ge=1)
    title: Text
    valid_from: date
    source: Text
    length_encoding: Literal["gbk", "utf-8"]
    earliest_date: date
    fillers: list[str]
    test_names: list[str]
    order: list[str] = Declared(min_length=1)
    shared_titles: dict[str, str] = {}
    field_rules: dict[
        Literal["required", "bytes", "type", "codes", "region", "sxbm", "sblsh", "org_code", "mobile"],
        FieldRule,
    ]


class Specification(Strict):
    """One version of the exchange specification with the site's own changes already in it.

    Attributes:
        records: record type → its declaration, in the order of sending, then those that are not exchanged.
        codes: list → code → title.
        disabled: rule id → why this site does not apply it.
        changes: what the site changed, as sentences for people.
    """

    general: General
    records: dict[str, Record]
    codes: dict[str, dict[str, str]]
    disabled: dict[str, str] = {}
    changes: list[str] = []

    @property
    def exchanged(self) -> dict[str, Record]:
        """The record types that are sent, in the order of sending."""
        return {name: self.records[name] for name in self.general.order}
