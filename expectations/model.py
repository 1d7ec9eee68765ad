"""The exchange specification as validated types: records, fields, code lists, rules, the closed vocabulary."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Declared

Severity = Literal["block", "warn", "info"]
Format = Literal["sblsh", "sxbm", "org_code", "region", "mobile"]
Mask = Literal["name", "identifier", "phone", "text"]
# Where the knowledge of a thing comes from: read in a public implementation or in the published contents list; inferred
# from real samples; from general knowledge of national standards; laid down by this product until better is known.
Knowledge = Literal["seen", "derived", "memory", "default"]
Confidence = Literal["high", "medium", "low"]
Text = Annotated[str, Declared(min_length=1)]
Official = Annotated[str, Declared(pattern=r"^[A-Z][A-Z0-9_]*$")]
Ours = Annotated[str, Declared(pattern=r"^[a-z][a-z0-9_]*$")]
RuleId = Annotated[str, Declared(pattern=r"^[A-Z][0-9]\.[a-z][a-z_]*$")]
CodeValue = Annotated[str, Declared(pattern=r"^[0-9A-Za-z]{1,10}$")]

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
        source: where the knowledge of it comes from; once read never None, but the record's where the field has none.
        mask: how a value is shown outside the working files; None: as it is.
        fillers: values that count as not given here, where they differ from the specification's.
    """

    name: Ours
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
    confidence: Confidence
    source: Knowledge | None = None
    note: Text | None = None


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
    """A rule of one record type: what is expected, how bad it is when not, and how the owing unit mends it.

    Attributes:
        reason: why it matters.
        mend: what to do, addressed to the unit that owes it.
    """

    family: Text
    title: Text
    severity: Severity
    reason: Text
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

    id: RuleId
    family: Text
    title: Text
    severity: Severity
    reason: Text
    mend: Text


class TransportField(Strict):
    """A field that a message or a receiver's row carries beside the business fields, and that no source fills.

    Attributes:
        filled_by: who writes it: our outbox, the receiver, or the receiver's front-end database.
        records: the record types that have it; None: all.
    """

    title: Text
    type: Literal["text", "time", "integer"]
    bytes: int | None = Declared(default=None, gt=0)
    digits: int | None = Declared(default=None, gt=0)
    filled_by: Literal["outbox", "receiver", "front_end"]
    records: list[Official] | None = None
    confidence: Confidence
    source: Knowledge
    note: Text | None = None


class CodeList(Strict):
    """One list of codes."""

    title: Text
    source: Knowledge
    note: Text | None = None
    codes: dict[CodeValue, Text] = Declared(min_length=1)


class Record(Strict):
    """One record type.

    Attributes:
        number: its number on the wire; None for attachments.
        kind: our English plural, as in the intermediate models.
        key: the fields that name a record of this type.
        business_time: the field whose time the record stands for.
        parent: the record type that must have been acknowledged first.
        exchanged: False: not pushed, for the reason in `unexchanged_because`.
        source: where the knowledge of its fields comes from, where a field does not say it itself.
    """

    record: Official
    title: Text
    number: int | None = None
    kind: Ours
    key: list[Text] = Declared(min_length=1)
    business_time: str | None = None
    parent: str | None = None
    exchanged: bool = True
    unexchanged_because: Text | None = None
    source: Knowledge
    note: Text | None = None
    fields: dict[Official, Field] = Declared(min_length=1)
    rules: dict[RuleId, Rule] = {}

    @model_validator(mode="after")
    def _says_why_not(self) -> "Record":
        if self.exchanged == (self.unexchanged_because is not None):
            raise ValueError("不交换的记录（exchanged: false）应写明 unexchanged_because，交换的不写")
        return self


class Code(Strict):
    """A code that a site adds, and why."""

    title: Text
    why: Text


class SiteChange(Strict):
    """One change that a site makes.

    Attributes:
        place: what it changes, as RECORD.FIELD, the name of a code list, a rule id or a setting.
        text: the change.
        why: the site's reason.
    """

    place: Text
    text: Text
    why: Text


class General(Strict):
    """What holds for all record types of a version.

    Attributes:
        base: the version that this one is laid over.
        valid_from, valid_until: its first day, and the first day of the next version (None: it is the newest).
        reading: raised when the code of a check changes its judgement: what is held is then judged anew.
        transport_fields: what travels beside the business fields.
    """

    version: Text
    base: Text | None = None
    reading: int = Declared(default=1, ge=1)
    title: Text
    valid_from: date
    valid_until: date | None = None
    source: Text
    length_encoding: Literal["gbk", "utf-8"]
    earliest_date: date
    fillers: list[str]
    test_names: list[str]
    order: list[str] = Declared(min_length=1)
    shared_titles: dict[RuleId, Text] = {}
    transport_fields: dict[Official, TransportField] = {}
    field_rules: dict[
        Literal["required", "bytes", "type", "codes", "region", "sxbm", "sblsh", "org_code", "mobile"],
        FieldRule,
    ]


class Specification(Strict):
    """One version of the exchange specification with the site's own changes already in it.

    Attributes:
        records: record type → its declaration, in the order of sending, then those that are not exchanged.
        context: context column → what it says.
        thresholds: the numbers that context columns turn on, with the site's changes.
        disabled: rule id → why this site does not apply it.
        site_changes: what the site changed.
    """

    general: General
    records: dict[str, Record]
    code_lists: dict[str, CodeList]
    context: dict[str, str] = {}
    thresholds: dict[str, int] = {}
    disabled: dict[str, str] = {}
    site_changes: list[SiteChange] = []

    @property
    def codes(self) -> dict[str, dict[str, str]]:
        """List → code → title."""
        return {name: listed.codes for name, listed in self.code_lists.items()}

    @property
    def changes(self) -> list[str]:
        """What the site changed, as sentences for people."""
        return [f"{change.text}：{change.why}" for change in self.site_changes]

    @property
    def exchanged(self) -> dict[str, Record]:
        """The record types that are sent, in the order of sending."""
        return {name: self.records[name] for name in self.general.order}
