"""The context columns as validated types: what a record's judgement knows beyond its own fields, and whose change
brings which cases before the gate again."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field as Declared

from expectations.model import Ours, Record, Specification, Strict, Text
from wangting.declared import fit
from wangting.specification import Sheet, read, version

FILE = "context.yml"
Neighbourhood = Literal["record", "case", "item", "applicant_item_day", "unit_second", "site"]


class Threshold(Strict):
    """A number that a rule turns on, and why it is that number."""

    value: int = Declared(ge=1)
    why: Text


class Column(Strict):
    """One context column.

    Attributes:
        reads: the tables that it is computed from; `record_kind`: the rows of the record's own kind.
        neighbourhood: whose change may change it: the same key's rows, the case's, the item's …
        threshold: the threshold that is in it already.
        records: the record types that carry it.
    """

    title: Text
    type: Literal["boolean", "timestamp", "int", "string"]
    reads: list[Text] = Declared(min_length=1)
    neighbourhood: Neighbourhood
    threshold: Text | None = None
    records: list[Text] = Declared(min_length=1)


class Context(Strict):
    """All context columns of a version, by name, and the thresholds that they have in them."""

    thresholds: dict[Ours, Threshold] = Declared(default={})
    columns: dict[Ours, Column]

    def of(self, record: str) -> list[str]:
        """The columns that a record type carries, in the order of the file."""
        return [name for name, column in self.columns.items() if record in column.records]


def read_by(record: Record, *, without: frozenset[str] = frozenset()) -> list[str]:
    """The context columns that the rules of a record type read, but for the rules `without`."""
    found = {
        name
        for rule_id, rule in record.rules.items()
        if rule_id not in without
        for expect in rule.expect
        for name in _words(expect.model_dump())
        if name.startswith("ctx_")
    }
    return sorted(found)


def _words(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _words(key)
            yield from _words(value)
    elif isinstance(content, list):
        for value in content:
            yield from _words(value)


def context_of(sheets: dict[str, Sheet], records: dict[str, Record]) -> Context:
    """The context columns of a version, held against the rules that read them.

    Args:
        sheets: the version's files, as `wangting.specification.read` gives them.
        records: its record types.

    Raises:
        WangtingError: a column is declared badly, is read by no rule, or is not declared where a rule reads it; names
            file and line.
    """
    sheet = sheets[FILE]
    context = fit(sheet.content, Context, sheet.where)
    for name, column in context.columns.items():
        at = ("columns", name)
        if column.threshold is not None and column.threshold not in context.thresholds:
            raise sheet.mistake(
                (*at, "threshold"), f"{name}：没有阈值 {column.threshold}", "改正名称，或在 thresholds 中补上"
            )
        for record in column.records:
            if record not in records:
                raise sheet.mistake((*at, "records"), f"{name}：没有记录类型 {record}", "改正名称")
            if name not in read_by(records[record]):
                raise sheet.mistake(
                    (*at, "records"), f"{name}：{record} 没有规则读它", "去掉这一记录类型，或补上规则"
                )
    for record, declared in records.items():
        for name in read_by(declared):
            if name not in context.of(record):
                raise sheet.mistake(
                    ("columns",), f"{record} 的规则读 {name}，这里没有声明", f"在 columns 中补上 {name}"
                )
    return context


def load_context(specification: Specification) -> Context:
    """The context columns of a loaded specification."""
    chosen = version(specification.general.version)
    return context_of(read(chosen), specification.records)
