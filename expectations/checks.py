"""The closed vocabulary of checks: each says which records are bad twice, over Arrow columns and as a SQL condition.

`bad` is what the Great Expectations expectation of the check computes; `bad_sql` is the second reading. The two share
nothing but the settings, and tests hold them against each other. Columns are those of the exchange records: official
fields in lower case, context columns `ctx_…`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date, datetime, time
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from expectations import sql

if TYPE_CHECKING:
    from expectations.vectors import Mask, Rows

Condition = dict[str, list[str | bool]]


class Check(BaseModel, ABC):
    """A check of one field, with everything it needs to judge.

    Attributes:
        field: the column that is judged.
        is_text: whether blank and filler values can occur.
        fillers: values that count as not given.
        when, unless: column → values; where they do not apply, nothing is judged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[str]
    needs_value: ClassVar[bool] = True

    field: str
    is_text: bool = True
    fillers: list[str] = []
    when: Condition = {}
    unless: Condition = {}

    def columns(self) -> list[str]:
        """The columns it reads, the judged field first."""
        return list(dict.fromkeys([self.field, *self.when, *self.unless, *self.others()]))

    def others(self) -> list[str]:
        """Columns it compares with."""
        return []

    def bad(self, rows: Rows) -> Mask:
        """Which rows break it (Arrow reading)."""
        broken = self.broken(rows)
        if self.needs_value and broken.any():
            broken = broken & rows.given(self.field, self.fillers)
        for column, values in self.when.items():
            broken = broken & rows.among(column, values)
        for column, values in self.unless.items():
            broken = broken & ~rows.among(column, values)
        return broken

    def bad_sql(self) -> str:
        """The condition under which a row breaks it (SQL reading)."""
        parts = [f"({self.broken_sql()})"]
        if self.needs_value:
            parts.append(sql.given(self.field, self.fillers, text=self.is_text))
        broken = " and ".join(parts)
        if self.when or self.unless:
            # A case, not an "and": DuckDB then computes the dear part only where the condition applies.
            return f"case when {sql.condition(self.when, self.unless)} then {broken} else false end"
        return broken

    @abstractmethod
    def broken(self, rows: Rows) -> Mask:
        """Rows that break it, whatever the conditions."""

    @abstractmethod
    def broken_sql(self) -> str:
        """The same in SQL."""


class Required(Check):
    """The field is given (C1; with `when`: C3)."""

    kind = "required"
    needs_value = False

    def broken(self, rows: Rows) -> Mask:
        return ~rows.given(self.field, self.fillers)

    def broken_sql(self) -> str:
        return f"not {sql.given(self.field, self.fillers, text=self.is_text)}"


class Length(Check):
    """The value is within its length in bytes."""

    kind = "length"
    needs_value = False
    limit: int
    encoding: Literal["gbk", "utf-8"]

    def broken(self, rows: Rows) -> Mask:
        return rows.text(self.field).longer_than(self.limit, self.encoding)

    def broken_sql(self) -> str:
        if self.encoding == "utf-8":
            return f"strlen({self.field}) > {self.limit}"
        return sql.gbk_longer_than(self.field, self.limit)


class Printable(Check):
    """The text holds no control character."""

    kind = "printable"
    needs_value = False

    def broken(self, rows: Rows) -> Mask:
        return rows.text(self.field).has_control()

    def broken_sql(self) -> str:
        return sql.has_control(self.field)


class Digits(Check):
    """The number has no more digits before its point than declared."""

    kind = "digits"
    whole: int

    def broken(self, rows: Rows) -> Mask:
        return rows.exceeds(self.field, 10**self.whole)

    def broken_sql(self) -> str:
        return f"abs(cast({self.field} as double)) >= 1e{self.whole}"


class InCodes(Check):
    """The value is in its code list."""

    kind = "codes"
    codes: list[str]

    def broken(self, rows: Rows) -> Mask:
        return ~rows.among(self.field, list(self.codes))

    def broken_sql(self) -> str:
        return f"not {sql.among(self.field, list(self.codes))}"


class Shape(Check):
    """The value is well formed: an identifier with its check digit, a division's twelve digits, a mobile number."""

    kind = "shape"
    shape: Literal["item_code", "org_code", "credit_code", "id_number", "region", "mobile"]

    def broken(self, rows: Rows) -> Mask:
        from expectations import digits

        text = rows.text(self.field)
        if self.shape == "region":
            return ~digits.are_digits(text, 12)
        if self.shape == "mobile":
            return ~digits.are_digits(text, 11, "1")
        well_formed = {
            "item_code": digits.is_item_code,
            "org_code": digits.is_org_code,
            "credit_code": digits.is_credit_code,
            "id_number": digits.is_id_number,
        }
        return ~well_formed[self.shape](text)

    def broken_sql(self) -> str:
        well_formed = {
            "region": f"regexp_full_match({self.field}, '[0-9]{{12}}')",
            "mobile": f"regexp_full_match({self.field}, '1[0-9]{{10}}')",
            "item_code": sql.is_item_code(self.field),
            "org_code": sql.is_org_code(self.field),
            "credit_code": sql.is_credit_code(self.field),
            "id_number": sql.is_id_number(self.field),
        }
        return f"not ({well_formed[self.shape]})"


class CaseNumber(Check):
    """The case number is well formed and, in the family of 29, begins as its item code does."""

    kind = "case_number"
    item: str

    def others(self) -> list[str]:
        return [self.item]

    def broken(self, rows: Rows) -> Mask:
        from expectations import digits

        number = rows.text(self.field)
        fine = digits.is_case_number(number)
        same = rows.is_part(self.field, 0, 19, self.item, of_start=True) | ~rows.given(
            self.item, self.fillers
        )
        wrong: Mask = ~fine | (~same & (number.sizes != 43))
        return wrong

    def broken_sql(self) -> str:
        same = f"substr({self.field}, 1, 19) = substr({self.item}, 1, 19)"
        given = sql.given(self.item, self.fillers, text=True)
        return (
            f"not {sql.is_case_number(self.field)}"
            f" or (strlen({self.field}) <> 43 and {given} and not coalesce({same}, false))"
        )


class NumberDate(Check):
    """The date inside the case number is the day of a time of the record."""

    kind = "number_date"
    of: str

    def others(self) -> list[str]:
        return [self.of]

    def broken(self, rows: Rows) -> Mask:
        later = rows.text(self.field).sizes == 43
        agrees = rows.is_day_code(self.field, 19, 6, self.of, "%y%m%d")
        if later.any():
            agrees = (agrees & ~later) | (rows.is_day_code(self.field, 31, 8, self.of, "%Y%m%d") & later)
        return ~agrees & rows.given(self.of, [])

    def broken_sql(self) -> str:
        short = f"substr({self.field}, 20, 6) = strftime({self.of}, '%y%m%d')"
        long = f"substr({self.field}, 32, 8) = strftime({self.of}, '%Y%m%d')"
        return f"{self.of} is not null and not (case when strlen({self.field}) = 43 then {long} else {short} end)"


class NumberUnit(Check):
    """The organisation code inside a case number of 29 is that of the record's unit."""

    kind = "number_unit"
    of: str

    def others(self) -> list[str]:
        return [self.of]

    def broken(self, rows: Rows) -> Mask:
        differs = ~rows.is_part(self.field, 9, 9, self.of) & rows.given(self.of, self.fillers)
        wrong: Mask = differs & (rows.text(self.field).sizes != 43)
        return wrong

    def broken_sql(self) -> str:
        given = sql.given(self.of, self.fillers, text=True)
        differs = f"substr({self.field}, 10, 9) is distinct from {self.of}"
        return f"strlen({self.field}) <> 43 and {given} and {differs}"


class Context(Check):
    """A context column is true; unknown is not."""

    kind = "context"
    of: str

    def others(self) -> list[str]:
        return [self.of]

    def broken(self, rows: Rows) -> Mask:
        return ~rows.among(self.of, [True])

    def broken_sql(self) -> str:
        return f"{self.of} is not true"


class NotBefore(Check):
    """A time is not before any of the context times that are known."""

    kind = "not_before"
    of: list[str]

    def others(self) -> list[str]:
        return list(self.of)

    def broken(self, rows: Rows) -> Mask:
        early = rows.nowhere()
        for column in self.of:
            early = early | rows.before(self.field, column)
        return early

    def broken_sql(self) -> str:
        return " or ".join(f"coalesce({self.field} < {column}, false)" for column in self.of)


class NotAfter(Check):
    """A time is not after that of another column."""

    kind = "not_after"
    of: str

    def others(self) -> list[str]:
        return [self.of]

    def broken(self, rows: Rows) -> Mask:
        return rows.before(self.of, self.field)

    def broken_sql(self) -> str:
        return f"{self.field} > {self.of}"


class NotBeforeDay(Check):
    """A time is not before a day."""

    kind = "not_before_day"
    day: date

    def broken(self, rows: Rows) -> Mask:
        return rows.before_moment(self.field, datetime.combine(self.day, time.min))

    def broken_sql(self) -> str:
        return f"{self.field} < timestamp '{self.day.isoformat()} 00:00:00'"


class Equals(Check):
    """The value is that of a context column, where that is known."""

    kind = "equals"
    of: str

    def others(self) -> list[str]:
        return [self.of]

    def broken(self, rows: Rows) -> Mask:
        return rows.differs(self.field, self.of)

    def broken_sql(self) -> str:
        return f"coalesce({self.field} <> {self.of}, false)"


class NotIn(Check):
    """The value is none of these."""

    kind = "not_in"
    values: list[str]

    def broken(self, rows: Rows) -> Mask:
        return rows.among(self.field, list(self.values))

    def broken_sql(self) -> str:
        return sql.among(self.field, list(self.values))


class RealName(Check):
    """The name is not that of a test: one of the listed ones, with or without digits behind, or digits alone."""

    kind = "real_name"
    names: list[str]

    def broken(self, rows: Rows) -> Mask:
        return rows.bare_name_in(self.field, ["", *self.names])

    def broken_sql(self) -> str:
        names = "|".join(self.names)  # words of the specification, no signs of a pattern among them
        return f"regexp_full_match(lower({sql.trimmed(self.field)}), '({names})?[0-9]*')"


CHECKS: dict[str, type[Check]] = {
    check.kind: check
    for check in (
        Required,
        Length,
        Printable,
        Digits,
        InCodes,
        Shape,
        CaseNumber,
        NumberDate,
        NumberUnit,
        Context,
        NotBefore,
        NotAfter,
        NotBeforeDay,
        Equals,
        NotIn,
        RealName,
    )
}
